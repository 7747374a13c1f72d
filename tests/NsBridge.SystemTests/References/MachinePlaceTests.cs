using NsBridge.SystemTests.Machine;
using NsBridge.Testing;

namespace NsBridge.SystemTests.References;

/// <summary>Containers of systemd-nspawn as the place of a bridge's target, asked of systemd-machined by the packaged daemon.</summary>
internal sealed class MachinePlaceTests : ServiceFixture
{
    private static readonly TimeSpan s_promised = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_promisedToLetGo = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_boot = TimeSpan.FromSeconds(15);

    private static BridgeEntry Entry =>
        new("machine") { Listen = "127.0.0.1:3010", Namespace = "machine:my-web", Target = "127.0.0.1:3000" };

    [SetUp]
    public Task ConfigureAsync() => Service.RestartWithAsync(Entry);

    [TearDown]
    public Task StopMachineAsync() => Machine.CheckAsync("systemctl stop my-web || true; systemctl reset-failed my-web || true");

    [Test]
    public async Task Machine_WithoutTheDropIn_NamesTheMissingPrivilege()
    {
        // systemd-machined ends some time after the last machine.
        await ReasonAsync("waiting", "is not running");
        await StartMachineAsync();
        await ReasonAsync("failed", "CAP_SYS_PTRACE");
    }

    [Test]
    public Task Machine_IsFollowedOverRestarts() => WithDropInAsync("enter-processes.conf", async () =>
    {
        await StartMachineAsync();
        await Service.EchoesAsync(3010, s_promised);
        for (int round = 0; round < 2; round++)
        {
            using HeldConnection held = await HeldConnection.OpenAsync(Machine, 3010);
            await Machine.CheckAsync("systemctl restart my-web");
            await held.BreaksAsync(s_promisedToLetGo);
            await Machine.EventuallyAsync(Listens, s_boot);
            await Service.EchoesAsync(3010, s_promised);
        }

        await Machine.CheckAsync("systemctl stop my-web");
        await Service.BecomesAsync("machine", "waiting", s_promised);
    });

    [Test]
    public Task Machine_InTheHostsNetwork_IsRefused() => WithDropInAsync("enter-processes.conf", async () =>
    {
        await StartMachineAsync(network: "");
        await ReasonAsync("failed", "has no network of its own");
        Assert.That(await Machine.HoldsAsync(InstalledService.EchoProof(3010)), Is.False);
    });

    [Test]
    public async Task Discover_OfAMachine_NamesIt()
    {
        await StartMachineAsync();
        Assert.That(await Machine.CheckAsync("nsbridge discover --config /dev/null || true"), Does.Contain("machine:my-web"));
    }

    /// <summary>Starts a container on the machine's own programs with an echo server, and returns when it listens.</summary>
    private async Task StartMachineAsync(string network = "--private-network")
    {
        await Machine.CheckAsync(
            "systemd-run --quiet --unit=my-web --property=Delegate=yes systemd-nspawn --quiet --directory=/ --volatile=yes "
            + $"--machine=my-web --console=pipe {network} socat TCP-LISTEN:3000,bind=127.0.0.1,fork,reuseaddr,backlog=128 EXEC:cat");
        await Machine.EventuallyAsync(Listens, s_boot);
    }

    private static string Listens =>
        "nsenter --net --target \"$(machinectl show my-web --value --property=Leader)\" ss -Hltn 'sport = :3000' | grep -q .";

    private async Task ReasonAsync(string state, string reason)
    {
        await Service.BecomesAsync("machine", state);
        Assert.That((string?)(await Service.BridgeAsync("machine"))?["reason"], Does.Contain(reason));
    }
}
