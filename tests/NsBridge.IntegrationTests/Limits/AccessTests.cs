using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Limits;

/// <summary>Which clients are admitted, and how many; the others are closed before a target is dialled.</summary>
internal sealed class AccessTests : BridgeFixture
{
    private static readonly byte[] s_hello = Pattern.Take(100);

    [TestCase("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.2/32")]
    [TestCase("127.0.0.1", "127.0.1.9", "127.0.2.9", "127.0.1.0/24")]
    [TestCase("127.0.0.1", "127.0.0.2", "127.0.0.3", "::ffff:127.0.0.2/128")]
    [TestCase("::1", "::1", null, "::1/128")]
    [TestCase("::1", null, "::1", "fd00::/8")]
    [TestCase("::1", null, "::1", "127.0.0.0/8")]
    [TestCase("*", "127.0.0.2", "127.0.0.3", "127.0.0.2")]
    public async Task AllowFrom_Client_IsAdmittedByItsAddress(string listen, string? admitted, string? refused, string allow)
    {
        int port = HostSockets.FreePort();
        IPAddress address = listen == "*" ? IPAddress.Loopback : IPAddress.Parse(listen);
        var at = new IPEndPoint(address, port);
        Scene scene = await SceneAsync(
            Serve.Echo, entry => entry with { Listen = listen == "*" ? $"*:{port}" : at.ToString(), AllowFrom = [allow] });
        await scene.Daemon.WaitListeningAsync(listen == "*" ? new IPEndPoint(IPAddress.IPv6Any, port) : at);

        if (refused is not null)
        {
            for (int client = 0; client < 20; client++)
                await RefusedAsync(at, refused);
            Assert.That(scene.Server.Accepted, Is.Zero, "nothing was dialled for them");
            Assert.That(scene.Daemon.Log.Count(line => line.Contains(refused, StringComparison.Ordinal)), Is.LessThan(10),
                "they do not flood the log");
        }
        if (admitted is not null)
            await Own(await TestClient.TcpAsync(at, IPAddress.Parse(admitted))).EchoAsync(s_hello);
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task MaxConnections_Reached_OthersAreClosedUntilOneEnds(string join)
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { MaxConnections = 3, Join = join });
        var clients = new List<Socket>();
        for (int client = 0; client < 3; client++)
        {
            clients.Add(await ConnectAsync(scene));
            await clients[^1].EchoAsync(s_hello);
        }

        for (int client = 0; client < 20; client++)
            await RefusedAsync(scene.Listen, "127.0.0.1");
        Assert.That(scene.Server.Accepted, Is.EqualTo(3), "nothing was dialled for them");

        clients[1].Dispose();
        await Eventually.TrueAsync(() => EchoesAsync(scene.Listen), Soon, "the place that became free is given");
        await clients[0].EchoAsync(s_hello);
    }

    [Test]
    public async Task MaxConnectionsPerClient_Reached_OtherClientsAreServed()
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { MaxConnectionsPerClient = 2 });
        var clients = new List<Socket>();
        for (int client = 0; client < 2; client++)
        {
            clients.Add(Own(await TestClient.TcpAsync(scene.Listen, IPAddress.Parse("127.0.0.2"))));
            await clients[^1].EchoAsync(s_hello);
        }

        await RefusedAsync(scene.Listen, "127.0.0.2");
        await Own(await TestClient.TcpAsync(scene.Listen, IPAddress.Parse("127.0.0.3"))).EchoAsync(s_hello);

        clients[0].Reset();
        await Eventually.TrueAsync(() => EchoesAsync(scene.Listen, IPAddress.Parse("127.0.0.2")), Soon,
            "the place that became free is given");
    }

    private async Task RefusedAsync(IPEndPoint at, string from)
    {
        try
        {
            Socket client = Own(await TestClient.TcpAsync(at, IPAddress.Parse(from)));
            await client.SendAllAsync(s_hello);
            Assert.That(await client.ReceiveAsync(new byte[1]), Is.Zero, "the client is served");
        }
        catch (SocketException)
        {
            // Closed with its bytes unread, or before they were sent: a reset.
        }
    }
}
