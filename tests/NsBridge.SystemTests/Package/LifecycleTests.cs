using NsBridge.SystemTests.Machine;
using NsBridge.Testing;

namespace NsBridge.SystemTests.Package;

/// <summary>What dpkg does over the life of the package, each on a machine of its own.</summary>
internal sealed class LifecycleTests
{
    private const string Package = SystemdContainer.SharedFolder + "/nsbridge_*.deb";
    private SystemdContainer _machine = null!;

    [SetUp]
    public async Task BootAsync() => _machine = await SystemdContainer.StartAsync(await BuiltPackage.FolderAsync());

    [TearDown]
    public async Task HaltAsync()
    {
        if (_machine is not null)
            await _machine.DisposeAsync();
    }

    [Test]
    public async Task Install_FreshMachine_EnabledAndRunning()
    {
        await _machine.CheckAsync($"dpkg --install {Package}");
        Assert.That(
            await _machine.CheckAsync("systemctl is-enabled nsbridge; systemctl is-active nsbridge; systemctl is-failed nsbridge || true"),
            Is.EqualTo("enabled\nactive\nactive\n"));
    }

    [Test]
    public async Task Install_AnEditAndAReload_ServesFromTheNamespace()
    {
        await _machine.CheckAsync($"dpkg --install {Package}");
        TargetNamespace target = await TargetNamespace.AddAsync(_machine, "vpn");
        await target.EchoAsync(3000);
        await _machine.WriteAsync(InstalledService.ConfigurationFile, """
            { "NsBridge": { "Bridges": [ { "Name": "web", "Listen": "0.0.0.0:3003", "Namespace": "vpn", "Target": "127.0.0.1:3000" } ] } }
            """);
        await _machine.CheckAsync("systemctl reload nsbridge");
        await _machine.EventuallyAsync(InstalledService.EchoProof(3003), TimeSpan.FromSeconds(10));
    }

    [Test]
    public async Task Upgrade_EditedConfiguration_KeptAndServedByTheNewProcess()
    {
        InstalledService service = await InstalledService.InstallAsync(_machine);
        TargetNamespace target = await TargetNamespace.AddAsync(_machine);
        await target.EchoAsync(3000);
        await service.RestartWithAsync(
            new BridgeEntry("web") { Listen = "127.0.0.1:3003", Namespace = target.Name, Target = "127.0.0.1:3000" });
        string configuration = await File.ReadAllTextAsync(_machine[InstalledService.ConfigurationFile]);
        int before = await service.ProcessAsync();

        await UpgradeAsync();

        Assert.That(await service.ProcessAsync(), Is.Not.EqualTo(before), "the new version runs");
        Assert.That(await File.ReadAllTextAsync(_machine[InstalledService.ConfigurationFile]), Is.EqualTo(configuration));
        await service.EchoesAsync(3003);
    }

    /// <summary>The old process serves on; what dpkg prints finishes the upgrade.</summary>
    [Test]
    public async Task Upgrade_WithAWrongConfiguration_KeepsTheOldProcessAndSaysWhatToDo()
    {
        InstalledService service = await InstalledService.InstallAsync(_machine);
        TargetNamespace target = await TargetNamespace.AddAsync(_machine);
        await target.EchoAsync(3000);
        var bridge = new BridgeEntry("web") { Listen = "127.0.0.1:3003", Namespace = target.Name, Target = "127.0.0.1:3000" };
        await service.RestartWithAsync(bridge);
        await service.EchoesAsync(3003);
        int before = await service.ProcessAsync();
        await service.ConfigureAsync(bridge with { Listen = "nonsense" });

        string printed = await _machine.CheckAsync($"{SystemdContainer.BuildUpgrade}{SystemdContainer.InstallUpgrade} 2>&1");

        Assert.That(printed, Does.Contain("NsBridge:Bridges:0:Listen = \"nonsense\"").And.Contain("  systemctl restart nsbridge\n"));
        Assert.That(await service.ProcessAsync(), Is.EqualTo(before));
        await service.EchoesAsync(3003);

        await service.ConfigureAsync(bridge);
        await _machine.CheckAsync("nsbridge check --config /etc/nsbridge/appsettings.json && systemctl restart nsbridge");
        Assert.That(await service.ProcessAsync(), Is.Not.EqualTo(before));
        await service.EchoesAsync(3003);
    }

    [Test]
    public async Task Restart_WithAWrongConfiguration_NamesTheFaultAndTheCommands()
    {
        InstalledService service = await InstalledService.InstallAsync(_machine);
        await service.ConfigureAsync(new BridgeEntry("web") { Listen = "nonsense" });

        Assert.That(await _machine.HoldsAsync("systemctl restart nsbridge"), Is.False);

        const string Cure =
            "nsbridge check --config /etc/nsbridge/appsettings.json' lists them; 'systemctl restart nsbridge' starts it then";
        string journal = await service.JournalAsync();
        Assert.That(journal, Does.Contain("NsBridge:Bridges:0:Listen = \"nonsense\"").And.Contain(Cure));
        Assert.That(await service.PropertyAsync("StatusText"), Does.Contain("1 fault").And.Contain(Cure));
    }

    [Test]
    public async Task Upgrade_DisabledByTheAdministrator_StaysDisabled()
    {
        await _machine.CheckAsync($"dpkg --install {Package}; systemctl disable --now nsbridge");
        await UpgradeAsync();
        Assert.That(await _machine.HoldsAsync("systemctl is-enabled nsbridge"), Is.False);
    }

    [Test]
    public async Task Remove_Installed_StopsAndKeepsTheConfiguration()
    {
        await _machine.CheckAsync($"dpkg --install {Package}; dpkg --remove nsbridge");
        Assert.That(await _machine.HoldsAsync("systemctl is-active nsbridge"), Is.False);
        Assert.That(await _machine.HoldsAsync("pidof nsbridge"), Is.False);
        Assert.That(await _machine.HoldsAsync("test -e /usr/bin/nsbridge"), Is.False);
        Assert.That(await _machine.HoldsAsync($"test -f {InstalledService.ConfigurationFile}"), Is.True);

        await _machine.CheckAsync($"dpkg --install {Package}");
        Assert.That(await _machine.CheckAsync("systemctl is-enabled nsbridge; systemctl is-active nsbridge"),
            Is.EqualTo("enabled\nactive\n"), "installed again");
    }

    [Test]
    public async Task Purge_Installed_LeavesNothing()
    {
        const string traces = "find / -xdev -path /proc -prune -o -path /sys -prune -o -path /var/lib/dpkg -prune -o -path /var/log -prune"
            + " -o -path /srv -prune -o -iname '*nsbridge*' -print";
        string before = await _machine.CheckAsync(traces);
        await _machine.CheckAsync($"dpkg --install {Package}; dpkg --purge nsbridge");
        Assert.That(await _machine.CheckAsync(traces), Is.EqualTo(before));
        Assert.That(await _machine.HoldsAsync("test -e /run/nsbridge"), Is.False);
        Assert.That(await _machine.CheckAsync("systemctl list-units --all --no-legend 'nsbridge*'"), Is.Empty);
    }

    /// <summary>Installs the same content under a higher version.</summary>
    private Task<string> UpgradeAsync() => _machine.CheckAsync(SystemdContainer.BuildUpgrade + SystemdContainer.InstallUpgrade);
}
