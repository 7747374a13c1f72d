using NsBridge.SystemTests.Machine;
using NsBridge.Testing;

namespace NsBridge.SystemTests.References;

/// <summary>Services of a real systemd as the place of a bridge's target, asked for by the packaged daemon from its sandbox.</summary>
internal sealed class UnitPlaceTests : ServiceFixture
{
    private static readonly TimeSpan s_promised = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_toStart = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_promisedToLetGo = TimeSpan.FromSeconds(5);
    private const string Echo = "/usr/bin/socat TCP-LISTEN:3000,bind=127.0.0.1,fork,reuseaddr,backlog=128 EXEC:cat";

    [Test]
    public async Task Unit_WithANamespacePath_IsServedWithoutTheDropIn()
    {
        TargetNamespace target = await TargetNamespace.AddAsync(Machine);
        await UnitAsync("by-path", $"NetworkNamespacePath=/run/netns/{target.Name}\nExecStart={Echo}");
        await Service.RestartWithAsync(Bridge("by-path"));
        await ReasonAsync("waiting", "is not running");

        await Machine.CheckAsync("systemctl start by-path");
        await Service.EchoesAsync(3010, s_promised);
        await Machine.CheckAsync("systemctl restart by-path");
        await Service.EchoesAsync(3010, s_promised);

        await Machine.CheckAsync("systemctl stop by-path");
        await Service.BecomesAsync("unit", "waiting", s_promised);
    }

    [Test]
    public async Task Unit_WithANetworkOfItsOwn_NamesTheMissingPrivilege()
    {
        await UnitAsync("own", $"PrivateNetwork=yes\nExecStart={Echo}");
        await Machine.CheckAsync("systemctl start own");
        await Service.RestartWithAsync(Bridge("own"));
        await ReasonAsync("failed", "CAP_SYS_PTRACE");
        await Machine.CheckAsync("systemctl stop own");
    }

    [Test]
    public async Task Unit_WithANetworkOfItsOwn_IsFollowedOverRestartsUnderLoad()
    {
        await UnitAsync("own", $"PrivateNetwork=yes\nKillMode=control-group\nTimeoutStopSec=2\nExecStart={Echo}");
        await WithProcessesAsync(async () =>
        {
            await Service.RestartWithAsync(Bridge("own"));
            await ReasonAsync("waiting", "is not running");
            await Machine.CheckAsync("systemctl start own");
            await Service.EchoesAsync(3010, s_promised);
            // Clients connect all the time.
            using BackgroundProcess load = Machine.Start($"while :; do {InstalledService.EchoProof(3010)} || true; done");
            for (int round = 0; round < 3; round++)
            {
                using HeldConnection held = await HeldConnection.OpenAsync(Machine, 3010);
                await Machine.CheckAsync("systemctl restart own");
                TestContext.Out.WriteLine($"served {(await Service.EchoesAsync(3010, s_promised)).TotalSeconds:0.00} s after the restart");
                await held.BreaksAsync(s_promisedToLetGo);
            }

            await Machine.CheckAsync("systemctl stop own");
            await Service.BecomesAsync("unit", "waiting", s_promised);
        });
    }

    [Test]
    public async Task Unit_WithANetworkOfItsOwn_IsServedByOneCommandWithoutAFile()
    {
        await UnitAsync("shown", $"PrivateNetwork=yes\nExecStart={Echo}");
        await Machine.CheckAsync("systemctl start shown");
        using BackgroundProcess expose = Machine.Start("exec nsbridge expose unit:shown.service 3000 --listen 3020");

        await Service.EchoesAsync(3020, s_promised);
        await Machine.CheckAsync("systemctl restart shown");
        await Service.EchoesAsync(3020, s_promised);

        await Machine.CheckAsync("systemctl stop shown");
    }

    /// <summary>Asked for by a user, of the user's own manager.</summary>
    [Test]
    public async Task UnitOfAUser_WithANetworkOfItsOwn_IsServedWithoutRootAndFollowed()
    {
        const string units = "/home/ann/.config/systemd/user", user = "runuser -u ann -- env XDG_RUNTIME_DIR=/run/user/1234";
        await Machine.CheckAsync($"""
            useradd --create-home --uid 1234 ann
            mkdir -p {units}
            printf '%s\n' '[Service]' PrivateNetwork=yes PrivateUsers=yes 'ExecStart={Echo}' > {units}/own.service
            printf '%s\n' '[Service]' 'ExecStart=/bin/sleep infinity' > {units}/none.service
            chown -R ann: /home/ann
            loginctl enable-linger ann
            """);
        await Machine.EventuallyAsync($"{user} systemctl --user start own none", s_toStart);
        using BackgroundProcess expose = Machine.Start($"exec {user} nsbridge expose unit:own.service 3000 --listen 3021");
        await Service.EchoesAsync(3021, s_toStart);
        await Machine.CheckAsync($"{user} systemctl --user restart own");
        await Service.EchoesAsync(3021, s_promised);

        CommandResult refused = await Machine.RunAsync($"{user} nsbridge expose unit:none.service 3000 --listen 3022");
        Assert.That(refused.ExitCode, Is.EqualTo(77), refused.Everything);
        Assert.That(refused.Error, Does.Contain("it has no user namespace of its own (PrivateUsers=yes"));
        await Machine.CheckAsync("loginctl disable-linger ann");
    }

    [Test]
    public async Task Unit_InTheHostsNetwork_IsRefused()
    {
        await UnitAsync("hostly", $"ExecStart={Echo.Replace("3000", "3011", StringComparison.Ordinal)}");
        await Machine.CheckAsync("systemctl start hostly");
        await WithProcessesAsync(async () =>
        {
            await Service.RestartWithAsync(Bridge("hostly") with { Target = "127.0.0.1:3011" });
            await ReasonAsync("failed", "host");
            Assert.That(await Machine.HoldsAsync(InstalledService.EchoProof(3010)), Is.False);
        });
        await Machine.CheckAsync("systemctl stop hostly");
    }

    [Test]
    public async Task Unit_Unknown_IsWaitedFor()
    {
        await Service.RestartWithAsync(Bridge("nobody-has-it"));
        await ReasonAsync("waiting", "unit nobody-has-it.service is not running");
    }

    private Task<string> UnitAsync(string name, string service) =>
        Machine.CheckAsync($"printf '%s\\n' '[Service]' '{service.Replace("\n", "' '", StringComparison.Ordinal)}' > "
            + $"/run/systemd/system/{name}.service; systemctl daemon-reload");

    private async Task ReasonAsync(string state, string reason)
    {
        await Service.BecomesAsync("unit", state);
        Assert.That((string?)(await Service.BridgeAsync("unit"))?["reason"], Does.Contain(reason));
    }

    private Task WithProcessesAsync(Func<Task> test) => WithDropInAsync("enter-processes.conf", test);

    private static BridgeEntry Bridge(string unit) =>
        new("unit") { Listen = "127.0.0.1:3010", Namespace = $"unit:{unit}.service", Target = "127.0.0.1:3000" };
}
