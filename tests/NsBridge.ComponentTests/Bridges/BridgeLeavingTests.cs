using NsBridge.ComponentTests.Hosting;
using NsBridge.Configuration.Settings;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>What is told of a bridge that a reload has taken away.</summary>
internal sealed class BridgeLeavingTests
{
    private const string Stopped = "Bridge web has stopped";

    [Test]
    public async Task Reload_BridgeMadeAnew_IsNotSaidToHaveStopped()
    {
        await using var scene = new FleetScene();
        await scene.StartAsync(scene.Web(""));

        await scene.Fleet.ApplyAsync(scene.Web(""", "KeepAlive":"00:00:45" """));
        await scene.StopAsync();

        Assert.That(scene.Log.Lines.Where(line => line == Stopped), Has.Exactly(1).Items, "that of the one that ran at the end");
    }

    [Test]
    public async Task Reload_BridgeSwitchedOff_IsTold()
    {
        await using var scene = new FleetScene();
        DaemonSettings off = scene.Web(""", "Enabled":false """);
        await scene.StartAsync(scene.Web(""));

        await scene.Fleet.ApplyAsync(off);
        await scene.Fleet.ApplyAsync(scene.Web(""", "Enabled":false, "KeepAlive":"00:00:45" """));
        await scene.StopAsync();

        Assert.That(scene.Log.Lines.Where(line => line == "Bridge web was switched off"), Has.Exactly(1).Items);
        Assert.That(scene.Log.Lines.Where(line => line == Stopped), Has.Exactly(1).Items);
    }
}
