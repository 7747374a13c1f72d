using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Doors;

/// <summary>The outer and the inner half in two daemons, joined by the UNIX socket alone.</summary>
internal sealed class HalvesTests : BridgeFixture
{
    private static readonly byte[] Hello = Pattern.Take(100_000);

    [TestCase(null)]
    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Halves_InTwoDaemons_ServeAsOne(string? join)
    {
        var scene = await SceneAsync(Serve.Echo, entry => entry with { Listen = null, Socket = Scratch()["web.sock"] });
        var listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("outer") { Listen = listen.ToString(), Socket = scene.SocketPath, Join = join });

        var client = Own(await Dial.TcpAsync(listen));
        await client.EchoAsync(Hello);
        client.Shutdown(SocketShutdown.Send);
        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Closed));

        var resetting = Own(await Dial.TcpAsync(listen));
        await resetting.EchoAsync(Hello);
        resetting.Reset();
        await Eventually.TrueAsync(() => scene.Server.Resets == 1, Soon, "the reset arrives");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task OuterHalf_InnerIsNotThereYet_ServesOnceItIs(string join)
    {
        var path = Scratch()["web.sock"];
        var listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("outer") { Listen = listen.ToString(), Socket = path, Join = join });
        Assert.That(await Dial.EndingAsync(listen), Is.EqualTo(Ending.Reset));

        var scene = await SceneAsync(Serve.Echo, entry => entry with { Listen = null, Socket = path });
        await Eventually.TrueAsync(() => EchoesAsync(listen), Soon, "the inner half is found");

        await scene.Daemon.StopAsync();
        Assert.That(await Dial.EndingAsync(listen), Is.EqualTo(Ending.Reset));
        await StartAsync(scene.Entry);
        await Eventually.TrueAsync(() => EchoesAsync(listen), Soon, "the inner half is found again");
    }
}
