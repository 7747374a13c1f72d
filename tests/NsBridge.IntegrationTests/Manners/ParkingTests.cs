using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Manners;

/// <summary>Clients that come while the namespace or its service is still starting see a slow answer, not an error.</summary>
internal sealed class ParkingTests : BridgeFixture
{
    private const int Port = 3000;
    private static readonly byte[] Hello = Pattern.Take(1000);

    [TestCase("handoff", Door.Tcp)]
    [TestCase("handoff", Door.Unix)]
    [TestCase("relay", Door.Tcp)]
    public async Task TargetWait_NamespaceAppearsMeanwhile_ClientsAreServed(string join, Door door)
    {
        var space = await ReserveNamespaceAsync();
        var (daemon, listen) = await StartAsync(space, TimeSpan.FromSeconds(60), join);
        var clients = new List<Socket>();
        for (var client = 0; client < 20; client++)
            clients.Add(Own(door == Door.Tcp ? await Dial.TcpAsync(listen) : await Dial.UnixAsync(daemon.SocketPath("web"))));
        var echoes = Task.WhenAll(clients.Select(client => client.EchoAsync(Hello)));

        await space.AddAsync();
        var server = Target(space, Serve.Echo, Port);
        var clock = Stopwatch.StartNew();
        await echoes;

        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)));
        Assert.That(server.Accepted, Is.EqualTo(clients.Count));
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task TargetWait_ServiceStartsMeanwhile_ClientsAreServedInOrderOfArrival(string join)
    {
        var space = await NamespaceAsync();
        var (_, listen) = await StartAsync(space, TimeSpan.FromSeconds(60), join);
        var clients = new List<Socket>();
        for (byte client = 0; client < 10; client++)
        {
            clients.Add(Own(await Dial.TcpAsync(listen)));
            await clients[^1].SendAllAsync(new[] { client });
        }

        using var listener = space.Listen(new IPEndPoint(IPAddress.Loopback, Port));
        var order = new List<byte>();
        foreach (var _ in clients)
        {
            using var connection = await listener.AcceptAsync().WaitAsync(Soon);
            order.Add((await connection.ReceiveExactlyAsync(1).WaitAsync(Soon))[0]);
        }
        Assert.That(order, Is.Ordered);
    }

    [Test]
    public async Task TargetWait_ClientHangsUpMeanwhile_IsForgotten()
    {
        var space = await ReserveNamespaceAsync();
        var (daemon, listen) = await StartAsync(space, TimeSpan.FromSeconds(60), "handoff");
        for (var client = 0; client < 50; client++)
        {
            var socket = await Dial.TcpAsync(listen);
            if (client % 2 == 0)
                socket.Reset();
            else
                socket.Dispose();
        }
        var staying = Own(await Dial.TcpAsync(listen));
        await daemon.CheckQuietAsync();

        await space.AddAsync();
        var server = Target(space, Serve.Echo, Port);
        await staying.EchoAsync(Hello);

        Assert.That(server.Accepted, Is.LessThanOrEqualTo(2), "nothing is dialled for those who left");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task TargetWait_NothingAppears_ClientIsResetAfterIt(string join)
    {
        var space = await ReserveNamespaceAsync();
        var (_, listen) = await StartAsync(space, TimeSpan.FromSeconds(2), join);

        var clock = Stopwatch.StartNew();
        var ending = await Dial.EndingAsync(listen);

        Assert.That(ending, Is.EqualTo(Ending.Reset));
        Assert.That(clock.Elapsed, Is.InRange(TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(6)));
    }

    private async Task<(DaemonProcess Daemon, IPEndPoint Listen)> StartAsync(TestNamespace space, TimeSpan wait, string join)
    {
        var listen = FreeEndPoint();
        var daemon = await StartAsync(new BridgeEntry("web")
        {
            Listen = listen.ToString(),
            Namespace = space.Name,
            Target = $"127.0.0.1:{Port}",
            TargetWait = wait,
            Join = join,
        });
        return (daemon, listen);
    }
}
