using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Doors;

/// <summary>One half goes or changes while connections that crossed to the other process live on.</summary>
internal sealed class HalvesEndTests : BridgeFixture
{
    private const int Bystanders = 3;
    private static readonly byte[] Hello = Pattern.Take(1000);
    private readonly IPEndPoint _listen = FreeEndPoint();
    private Scene _scene = null!;
    private DaemonProcess _outer = null!;

    [TestCase("TERM")]
    [TestCase("KILL")]
    public async Task OuterHalf_GoneBeforeItsConnections_HarmsNeitherTheInnerHalfNorOthers(string signal)
    {
        await StartHalvesAsync();
        var handedOver = await HandOverAsync();
        await _outer.SignalAsync(signal);
        await _outer.ExitAsync();
        await handedOver.EchoAsync(Hello);
        // They get the descriptors that the link has left free.
        var bystanders = new List<Socket>();
        for (var i = 0; i < Bystanders; i++)
            bystanders.Add(await ConnectAsync(_scene, Door.Unix));
        foreach (var bystander in bystanders)
            await bystander.EchoAsync(Hello);

        handedOver.Shutdown(SocketShutdown.Send);
        Assert.That(await handedOver.EndingAsync(Soon), Is.EqualTo(Ending.Closed));
        await WaitActiveAsync(_scene.Daemon, Bystanders);

        foreach (var bystander in bystanders)
        {
            await bystander.EchoAsync(Hello);
            bystander.Shutdown(SocketShutdown.Send);
            Assert.That(await bystander.EndingAsync(Soon), Is.EqualTo(Ending.Closed), "nothing but its own bytes came");
        }
    }

    private async Task StartHalvesAsync(Func<BridgeEntry, BridgeEntry>? withInner = null)
    {
        _scene = await SceneAsync(Serve.Echo, entry => (withInner?.Invoke(entry) ?? entry) with { Listen = null, Socket = Scratch()["web.sock"] });
        _outer = await StartAsync(
            new DaemonSettings(new BridgeEntry("outer") { Listen = _listen.ToString(), Socket = _scene.SocketPath, Join = "handoff" }) { ShutdownTimeout = TimeSpan.FromSeconds(1) });
    }

    private async Task<Socket> HandOverAsync()
    {
        var client = Own(await Dial.TcpAsync(_listen));
        await client.EchoAsync(Hello);
        return client;
    }

    private static Task WaitActiveAsync(DaemonProcess daemon, int count) => daemon.WaitStatusAsync(
        bridge => bridge.GetProperty("connections").GetProperty("active").GetInt32() == count, $"{count} connections");
}
