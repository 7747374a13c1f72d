using System.Globalization;
using System.Net;
using NsBridge.ComponentTests.Hosting;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>What failed before a reload does not speak of the old target after it.</summary>
internal sealed class ReloadedTargetTests
{
    [TestCase("", Description = "The bridge adopts the new target.")]
    [TestCase(""", "Join":"relay" """, Description = "The bridge is made anew.")]
    public async Task Reload_AnotherTarget_FailuresOfTheOldOneAreDropped(string keys)
    {
        string port = FleetScene.FreePort();
        string old = $"127.0.0.1:{FleetScene.FreePort()}";
        await using var scene = new FleetScene();
        await scene.StartAsync(scene.Web($""", "Listen":"127.0.0.1:{port}" """, old));
        for (int failed = 1; failed <= 3; failed++)
        {
            var at = new IPEndPoint(IPAddress.Loopback, int.Parse(port, CultureInfo.InvariantCulture));
            Assert.That(await TestClient.EndingAsync(at), Is.EqualTo(Ending.Reset));
            await Eventually.TrueAsync(() => scene.Fleet.Snapshot()[0].Failed == failed, TimeSpan.FromSeconds(10), "the failure is counted");
        }
        Assert.That(scene.Fleet.Snapshot()[0].LastFailure!.Reason, Does.Contain(old));

        await scene.Fleet.ApplyAsync(scene.Web($""", "Listen":"127.0.0.1:{port}" {keys}""", $"127.0.0.1:{FleetScene.FreePort()}"));
        Assert.That(scene.Fleet.Snapshot()[0].LastFailure, Is.Null);
        await scene.StopAsync();
        scene.Fleet.Dispose();

        Assert.That(
            scene.Log.WithLevels.Where(line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains(old, StringComparison.Ordinal)),
            Has.Exactly(1).Items);
    }
}
