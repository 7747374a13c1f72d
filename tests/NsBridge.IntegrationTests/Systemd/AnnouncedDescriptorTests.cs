using NsBridge.IntegrationTests.Commands;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Systemd;

internal sealed class AnnouncedDescriptorTests
{
    [Test]
    public async Task Run_DescriptorsAnnouncedThatAreNotOpen_SaysSoInALine()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("appsettings.json", (new DaemonConfig([]) { RuntimeDirectory = scratch["run"] }).ToJson());

        CommandResult result = await Command.RunAsync(
            "/bin/sh",
            ["-c", "LISTEN_PID=$$ LISTEN_FDS=200 exec \"$0\" run --config \"$1\"", await PublishedDaemon.PathAsync(), file],
            TimeSpan.FromSeconds(20));

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Error.Trim().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(result.Error, Does.Contain("LISTEN_FDS").And.Contain("was not passed"));
        Executable.CheckPlain(result);
    }
}
