using NsBridge.SystemTests.Machine;
using NsBridge.Testing;

namespace NsBridge.SystemTests.Restart;

/// <summary>What comes back by itself, and what must not be tried again.</summary>
internal sealed class FailureTests : ServiceFixture
{
    private TargetNamespace _target = null!;

    [OneTimeSetUp]
    public async Task ServeAsync()
    {
        _target = await TargetNamespace.AddAsync(Machine);
        await _target.EchoAsync(3000);
    }

    [Test]
    [Promise("cli.no-traces")]
    public async Task Start_WrongConfiguration_FailsOnceWithTheKeyInTheJournal()
    {
        await Service.ConfigureAsync(Web() with { Target = "example.org:80" });
        Assert.That(await Machine.HoldsAsync("systemctl restart nsbridge"), Is.False);

        // "auto-restart" would be the state of a unit that is about to be tried again.
        Assert.That(await Service.PropertyAsync("SubState"), Is.EqualTo("failed"));
        Assert.That(await Service.PropertyAsync("ExecMainStatus"), Is.EqualTo("78"));
        Assert.That(await Service.PropertyAsync("NRestarts"), Is.EqualTo("0"));
        Assert.That(await Service.JournalAsync(), Does.Contain("NsBridge:Bridges:0:Target").And.Contain("example.org:80").And.Not
            .Contain("   at NsBridge"));
        CommandResult reload = await Machine.RunAsync("systemctl reload nsbridge");
        Assert.That(reload.Error, Does.Contain("not active, cannot reload"), "as nsbridge(8) says");
    }

    [Test]
    public async Task Kill_Running_ComesBackAndServes()
    {
        await Service.RestartWithAsync(Web());
        await Service.EchoesAsync(3003);
        int before = await Service.ProcessAsync();
        await Machine.CheckAsync("systemctl kill --signal=KILL nsbridge");
        await Machine.EventuallyAsync(
            $"p=$(systemctl show nsbridge --value --property=MainPID); [ $p != 0 ] && [ $p != {before} ]", TimeSpan.FromSeconds(10));
        await Service.EchoesAsync(3003);
    }

    [Test]
    public async Task Watchdog_ProcessStandsStill_IsReplaced()
    {
        await Service.RestartWithAsync(Web());
        await Service.EchoesAsync(3003);
        int before = await Service.ProcessAsync();
        await Machine.CheckAsync($"kill -STOP {before}");
        await Machine.EventuallyAsync(
            $"p=$(systemctl show nsbridge --value --property=MainPID); [ $p != 0 ] && [ $p != {before} ]", TimeSpan.FromSeconds(30));
        Assert.That(await Service.JournalAsync(), Does.Contain("Watchdog timeout"));
        await Service.EchoesAsync(3003);
    }

    [Test]
    public async Task Watchdog_ProcessIsWell_LeftAlone()
    {
        await Service.RestartWithAsync(Web());
        int before = await Service.ProcessAsync();
        // The manager shows its last keep-alive: three different ones cover more than one whole interval.
        string fed = "";
        for (int times = 0; times < 3; times++)
        {
            string last = fed;
            await Machine.EventuallyAsync(
                $"[ \"$(systemctl show nsbridge --value --property=WatchdogTimestampMonotonic)\" != '{last}' ]", TimeSpan.FromSeconds(10));
            fed = await Service.PropertyAsync("WatchdogTimestampMonotonic");
        }

        Assert.That(await Service.ProcessAsync(), Is.EqualTo(before));
    }

    private BridgeEntry Web() => new("web") { Listen = "127.0.0.1:3003", Namespace = _target.Name, Target = "127.0.0.1:3000" };
}
