using NsBridge.SystemTests.Machine;
using NsBridge.Testing;

namespace NsBridge.SystemTests.Commands;

/// <summary>The doctor on services of a real systemd.</summary>
internal sealed class DoctorTests : ServiceFixture
{
    [OneTimeSetUp]
    public async Task MakeUnitAsync()
    {
        await Machine.CheckAsync("""
            printf '%s\n' '[Service]' 'PrivateNetwork=yes' \
              'ExecStart=/usr/bin/socat TCP-LISTEN:3000,bind=127.0.0.1,fork,reuseaddr EXEC:cat' > /run/systemd/system/own.service
            systemctl daemon-reload
            """);
    }

    [Test]
    public async Task Doctor_OfAStoppedUnit_SaysWhatToStart()
    {
        await Machine.CheckAsync("systemctl stop own");
        await Service.RestartWithAsync(
            new BridgeEntry("web") { Listen = "127.0.0.1:3003", Namespace = "unit:own.service", Target = "127.0.0.1:3000" });

        await FindsAsync("broken at: namespace", "systemctl status own.service");
    }

    [Test]
    public async Task Doctor_OfAUnitThatTheDaemonMayNotEnter_TellsTheDaemonsReason()
    {
        await Machine.CheckAsync("systemctl start own");
        await Service.RestartWithAsync(
            new BridgeEntry("web") { Listen = "127.0.0.1:3003", Namespace = "unit:own.service", Target = "127.0.0.1:3000" });
        await Service.BecomesAsync("web", "failed");

        await FindsAsync("broken at: daemon", "socat", "took a connection", "CAP_SYS_PTRACE");
    }

    [Test]
    public async Task Doctor_OfAListenerInAUnit_LooksInside()
    {
        await Machine.CheckAsync("systemctl start own");
        await Service.RestartWithAsync(new BridgeEntry("web")
        {
            Listen = "127.0.0.1:3000",
            ListenNamespace = "unit:own.service",
            Namespace = "host",
            Target = "127.0.0.1:3000",
        });

        await FindsAsync("broken at: listener", "127.0.0.1:3000 in unit:own.service is taken by socat");
    }

    private async Task FindsAsync(params string[] words)
    {
        CommandResult result = await Machine.RunAsync("nsbridge doctor");
        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        foreach (string word in words)
            Assert.That(result.Output, Does.Contain(word));
    }
}
