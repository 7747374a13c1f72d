using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.Bridges;
using NsBridge.ComponentTests.Bridges;
using NsBridge.Configuration.Settings;
using NsBridge.Fixtures;
using NsBridge.Hosting;
using NsBridge.HotRestart;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Hosting;

internal sealed class BridgeSupervisorTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    [TestCase("start")]
    [TestCase("reload")]
    public async Task Halves_TwoBridgesThatComeTogether_FindEachOtherAtOnce(string how)
    {
        using var scratch = new ScratchDirectory();
        // The outer half is written first.
        DaemonSettings settings = LoadedText.Right(
            string.Create(CultureInfo.InvariantCulture, $""" "Name":"outer", "Listen":"127.0.0.1:{HostSockets.FreePort()}", "Socket":"{scratch["web.sock"]}", "Join":"handoff" """),
            $""" "Name":"inner", "Socket":"{scratch["web.sock"]}", "Namespace":"host", "Target":"127.0.0.1:3000" """);
        using var sockets = ActivationSockets.Adopt([]);
        using var parts = new BridgeParts(sockets);
        using var restart = new RestartCoordinator(new SnapshotStore(null), NullLogger<RestartCoordinator>.Instance);
        using BridgeSupervisor fleet = parts.Supervise(how == "start" ? settings : LoadedText.Right(), restart, NullLogger<BridgeSupervisor>.Instance);

        await fleet.StartAsync(CancellationToken.None);
        if (how == "reload")
            await fleet.ApplyAsync(settings);

        Assert.That(fleet.Snapshot().Select(bridge => bridge.State), Is.All.EqualTo(BridgeState.Up));
        await fleet.StopAsync(CancellationToken.None);
    }

    [Test]
    public async Task Bindings_SocketThatCouldBeHadOnlyLater_CountsAsBound()
    {
        await using var scene = new FleetScene();
        DaemonSettings settings = scene.Web("");
        string path = settings.Bridges[0].Socket;
        await File.WriteAllTextAsync(path, "in the way");
        await scene.StartAsync(settings);
        Assert.That(scene.Fleet.Snapshot().Single().State, Is.EqualTo(BridgeState.Failed));
        int before = scene.Parts.Listening.Bindings;

        File.Delete(path);
        await Eventually.TrueAsync(() => scene.Fleet.Snapshot().Single().State == BridgeState.Up, TimeSpan.FromSeconds(10), "it has its socket");

        Assert.That(scene.Parts.Listening.Bindings, Is.GreaterThan(before), "the listeners are stored again");
    }

    [Test]
    public async Task Recovery_FailsUnexpectedly_IsLoggedAndGoesOnAndTheStopUnbinds()
    {
        await using var scene = new FleetScene();
        DaemonSettings settings = scene.Web("");
        string path = settings.Bridges[0].Socket;
        await File.WriteAllTextAsync(path, "in the way");
        await scene.StartAsync(settings);
        scene.Log.Unloggable = "web is up";

        File.Delete(path);
        await Eventually.TrueAsync(
            () => scene.Log.WithLevels.Any(line => line.StartsWith("Critical: Cannot recover bridge 'web'", StringComparison.Ordinal)), s_soon, "it is logged");
        File.Delete(path);
        await Eventually.TrueAsync(() => File.Exists(path), s_soon, "recovery goes on");
        await scene.StopAsync();

        Assert.That(File.Exists(path), Is.False, "the socket file after the stop");
    }
}
