using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Halves;

/// <summary>An outer half alone that relays bytes: what becomes of its clients at the inner half, and of new settings.</summary>
internal sealed class RelayedHalvesTests : BridgeFixture
{
    private static readonly byte[] s_hello = Pattern.Take(100);

    [Test]
    public async Task Relay_FromAnotherBridgeOfTheSameDaemon_IsAdmittedLikeAnyOther()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        (IPEndPoint? listen, IPEndPoint? other) = (FreeEndPoint(), FreeEndPoint());
        string path = Scratch()["web.sock"];
        DaemonProcess daemon = await StartAsync(
            new BridgeEntry("web")
            {
                Listen = listen.ToString(),
                Socket = path,
                Namespace = space.Name,
                Target = server.EndPoint.ToString(),
                Join = "relay",
                MaxConnections = 1
            },
            new BridgeEntry("other") { Listen = other.ToString(), Socket = path });

        Socket first = Own(await TestClient.TcpAsync(listen));
        await first.EchoAsync(s_hello);
        Assert.That(await TestClient.EndingAsync(other), Is.EqualTo(Ending.Reset), "one is the most");

        first.Dispose();
        await daemon.WaitStatusAsync(bridge => Active(bridge) == 0, "it is over");
        Socket second = Own(await TestClient.TcpAsync(other));
        await second.EchoAsync(s_hello);
        await daemon.WaitStatusAsync(bridge => Active(bridge) == 1, "it counts for both");
    }

    [Test]
    public async Task Relay_ClientResetsWhileItWaitsAtTheInnerHalf_LeavesItsPlace()
    {
        string path = Scratch()["web.sock"];
        TestNamespace missing = await ReserveNamespaceAsync();
        DaemonProcess inner = await StartAsync(
            new BridgeEntry("web")
            {
                Socket = path,
                Namespace = missing.Name,
                Target = "127.0.0.1:3000",
                TargetWait = TimeSpan.FromMinutes(1)
            });
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("outer") { Listen = listen.ToString(), Socket = path });
        Socket client = Own(await TestClient.TcpAsync(listen));
        await client.SendAllAsync(s_hello);
        await inner.WaitStatusAsync(bridge => Active(bridge) == 1, "it waits");

        client.Reset();

        await inner.WaitStatusAsync(bridge => Active(bridge) == 0, "it has gone");
    }

    [Test]
    public async Task Reload_OfAnOuterHalf_ReachesConnectionsThatAreThere()
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Listen = null, Socket = Scratch()["web.sock"] });
        IPEndPoint listen = FreeEndPoint();
        var entry = new BridgeEntry("outer") { Listen = listen.ToString(), Socket = scene.SocketPath };
        DaemonProcess outer = await StartAsync(entry);
        Socket client = Own(await TestClient.TcpAsync(listen));
        await client.EchoAsync(s_hello);

        outer.Rewrite(new DaemonConfig(entry with { IdleTimeout = TimeSpan.FromSeconds(1) }));

        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Reset));
    }

    private static long Active(JsonElement bridge) => bridge.GetProperty("connections").GetProperty("active").GetInt64();
}
