using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Halves;

/// <summary>One half goes or changes while connections that crossed to the other process live on.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class HalvesEndTests : BridgeFixture
{
    private const int Bystanders = 3;
    private static readonly byte[] s_hello = Pattern.Take(1000);
    private readonly IPEndPoint _listen = FreeEndPoint();
    private Scene _scene = null!;
    private DaemonProcess _outer = null!;

    [TestCase("TERM")]
    [TestCase("KILL")]
    public async Task OuterHalf_GoneBeforeItsConnections_HarmsNeitherTheInnerHalfNorOthers(string signal)
    {
        await StartHalvesAsync();
        Socket handedOver = await HandOverAsync();
        await _outer.SignalAsync(signal);
        await _outer.ExitAsync();
        await handedOver.EchoAsync(s_hello);
        // They get the descriptors that the link has left free.
        var bystanders = new List<Socket>();
        for (int i = 0; i < Bystanders; i++)
            bystanders.Add(await ConnectAsync(_scene, Door.Unix));
        foreach (Socket bystander in bystanders)
            await bystander.EchoAsync(s_hello);

        handedOver.Shutdown(SocketShutdown.Send);
        Assert.That(await handedOver.EndingAsync(Soon), Is.EqualTo(Ending.Closed));
        await WaitActiveAsync(_scene.Daemon, Bystanders);

        foreach (Socket bystander in bystanders)
        {
            await bystander.EchoAsync(s_hello);
            bystander.Shutdown(SocketShutdown.Send);
            Assert.That(await bystander.EndingAsync(Soon), Is.EqualTo(Ending.Closed), "nothing but its own bytes came");
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task InnerHalf_ReloadedWithAnotherNamespace_LeadsNobodyToTheOldOneAnyMore(bool holding)
    {
        await StartHalvesAsync();
        Socket before = await HandOverAsync();
        if (!holding)
            await EndAsync(before, leaving: 0);
        TestNamespace other = await NamespaceAsync();
        Target(other, Serve.Greeting("other"), ((IPEndPoint)_scene.Server.EndPoint).Port);

        await ReloadInnerAsync(_scene.Entry with { Namespace = other.Name });

        Socket after = Own(await TestClient.TcpAsync(_listen));
        Assert.That(await after.ReceiveExactlyAsync(5), Is.EqualTo("other"u8.ToArray()));
        if (!holding)
            return;
        await before.EchoAsync(s_hello);
        await EndAsync(before, leaving: 1);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task InnerHalf_TakenAwayByAReload_LeadsNobodyAnywhereUntilItIsBack(bool disabled)
    {
        await StartHalvesAsync();
        Socket before = await HandOverAsync();

        await ReloadInnerAsync(disabled ? [_scene.Entry with { Enabled = false }] : []);

        Assert.That(await TestClient.EndingAsync(_listen), Is.EqualTo(Ending.Reset));
        Assert.That(_scene.Server.Accepted, Is.EqualTo(1));
        await _outer.WaitStatusAsync(bridge => bridge.GetProperty("state").GetString() == "waiting", "the outer half waits for another");
        await before.EchoAsync(s_hello);
        await EndAsync(before, leaving: 0);

        await ReloadInnerAsync(_scene.Entry);
        await Eventually.TrueAsync(() => EchoesAsync(_listen), Soon, "the inner half is found again");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Halves_TwoBridgesOfOneDaemon_AreToEachOtherAsThoseOfTwo(string join)
    {
        _scene = await SceneAsync(Serve.Echo, entry => entry with { Listen = null, Socket = Scratch()["web.sock"] });
        var outer = new BridgeEntry("outer") { Listen = _listen.ToString(), Socket = _scene.SocketPath, Join = join };
        await ReloadInnerAsync(_scene.Entry, outer);
        Socket before = await HandOverAsync();
        await WaitActiveAsync(_scene.Daemon, 1);
        TestNamespace other = await NamespaceAsync();
        Target(other, Serve.Greeting("other"), ((IPEndPoint)_scene.Server.EndPoint).Port);

        await ReloadInnerAsync(_scene.Entry with { Namespace = other.Name }, outer);

        Socket after = Own(await TestClient.TcpAsync(_listen));
        Assert.That(await after.ReceiveExactlyAsync(5), Is.EqualTo("other"u8.ToArray()));
        await before.EchoAsync(s_hello);
        before.Dispose();
        after.Dispose();
        await WaitActiveAsync(_scene.Daemon, 0);
    }

    private async Task ReloadInnerAsync(params BridgeEntry[] bridges)
    {
        int told = _scene.Daemon.Log.Count;
        _scene.Daemon.Rewrite(new DaemonConfig(bridges));
        await _scene.Daemon.WaitLogAsync("Reloaded", told);
    }

    /// <summary>Ends a connection that was handed over; the outer half is notified.</summary>
    private async Task EndAsync(Socket client, int leaving)
    {
        client.Shutdown(SocketShutdown.Send);
        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Closed));
        await WaitActiveAsync(_outer, leaving);
    }

    private async Task StartHalvesAsync()
    {
        _scene = await SceneAsync(Serve.Echo, entry => entry with { Listen = null, Socket = Scratch()["web.sock"] });
        _outer = await StartAsync(
            new DaemonConfig(new BridgeEntry("outer") { Listen = _listen.ToString(), Socket = _scene.SocketPath, Join = "handoff" })
            {
                ShutdownTimeout = TimeSpan.FromSeconds(1)
            });
    }

    private async Task<Socket> HandOverAsync()
    {
        Socket client = Own(await TestClient.TcpAsync(_listen));
        await client.EchoAsync(s_hello);
        return client;
    }

    private static Task WaitActiveAsync(DaemonProcess daemon, int count) => daemon.WaitStatusAsync(
        bridge => bridge.GetProperty("connections").GetProperty("active").GetInt32() == count, $"{count} connections");
}
