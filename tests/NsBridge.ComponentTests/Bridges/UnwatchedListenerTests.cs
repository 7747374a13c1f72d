using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.Bridges;
using NsBridge.Bridges.Listening;
using NsBridge.ComponentTests.Hosting;
using NsBridge.Configuration.Settings;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>A listener that the kernel does not let a loop watch: here because it is watched already.</summary>
internal sealed class UnwatchedListenerTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    [Test]
    public async Task Listener_ThatCannotBeWatched_FailsTheBridgeUntilItCan()
    {
        string port = FleetScene.FreePort();
        await using var scene = new FleetScene();
        DaemonSettings settings = scene.Web($""", "Listen":["127.0.0.1:{port}", "127.0.0.2:{port}"], "AllowFrom":"192.0.2.0/24" """);
        var second = new IPEndPoint(IPAddress.Parse("127.0.0.2"), int.Parse(port, CultureInfo.InvariantCulture));
        int listener = Libc.Socket(Libc.AF_INET, Libc.SOCK_STREAM);
        Libc.Bind(listener, SockAddr.From(second.Address, second.Port));
        Libc.Listen(listener, 1);

        await TakenUpAsync(scene, settings, listener, ListenerSnapshot.Internet(listener));

        Assert.That(await TestClient.EndingAsync(second), Is.EqualTo(Ending.Reset), "somebody looks at the client, who is not allowed");
    }

    [Test]
    public async Task UnixSocket_ThatCannotBeWatched_FailsTheBridgeUntilItCan()
    {
        await using var scene = new FleetScene();
        DaemonSettings settings = scene.Web("");
        UnixSocketFile made = UnixSocketFile.Create(settings.Bridges[0].Socket, 0b110_000_000, null);
        made.Close();

        await TakenUpAsync(scene, settings, made.Listener, made.Carry(made.Listener));

        using Socket client = await TestClient.UnixAsync(settings.Bridges[0].Socket);
        await Eventually.TrueAsync(() => scene.Fleet.Snapshot().Single().Total == 1, s_deadline, "a client is let in");
    }

    /// <summary>Starts a bridge on a listener that is left of another, and that its loop watches for another.</summary>
    private static async Task TakenUpAsync(FleetScene scene, DaemonSettings settings, int descriptor, ListenerSnapshot left)
    {
        await scene.Fleet.StartAsync(CancellationToken.None);
        EventLoop loop = scene.Parts.Loop;
        var other = new OtherSource();
        await loop.InvokeAsync(() =>
        {
            loop.Attach(other);
            Assert.That(loop.Watch(other, 0, descriptor, 0), Is.Zero);
        });
        scene.Parts.Inherited.Keep(left);

        await scene.Fleet.ApplyAsync(settings);

        Assert.That(scene.Fleet.Snapshot().Single().State, Is.EqualTo(BridgeState.Failed));
        Assert.That(scene.Fleet.Snapshot().Single().Reason, Does.Contain("cannot watch a listener"));
        Assert.That(scene.Fleet.Snapshot().Single().ReasonCode, Is.EqualTo(ReasonCode.ListenerUnavailable));
        await Eventually.TrueAsync(() => scene.Fleet.Snapshot().Single().State == BridgeState.Up, s_deadline, "it is tried again");
        await loop.InvokeAsync(() => loop.Detach(other));
    }

    private sealed class OtherSource : EventSource
    {
        protected internal override void OnEvents(uint events, int end)
        {
        }
    }
}
