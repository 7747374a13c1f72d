using NsBridge.SystemTests.Machine;
using NsBridge.Testing;

namespace NsBridge.SystemTests.Reload;

/// <summary>`systemctl reload`, and saving the file.</summary>
[Promise("reload")]
internal sealed class ReloadTests : ServiceFixture
{
    private TargetNamespace _target = null!;

    [OneTimeSetUp]
    public async Task ServeAsync()
    {
        _target = await TargetNamespace.AddAsync(Machine);
        await _target.EchoAsync(3000);
    }

    [Test]
    public async Task Reload_BridgeAdded_ServedWhileConnectionsOfOthersGoOn()
    {
        await Service.RestartWithAsync(Bridge("web", 3003));
        int process = await Service.ProcessAsync();
        using HeldConnection held = await HeldConnection.OpenAsync(Machine, 3003);

        await Service.ConfigureAsync(Bridge("web", 3003), Bridge("more", 3004));
        await Machine.CheckAsync("systemctl reload nsbridge");

        await Service.EchoesAsync(3004);
        await held.GoesOnAsync();
        Assert.That(await Service.ProcessAsync(), Is.EqualTo(process));
    }

    [Test]
    public async Task Save_BridgeAdded_ServedWithoutAnyCall()
    {
        await Service.RestartWithAsync(Bridge("web", 3003));
        await Service.ConfigureAsync(Bridge("web", 3003), Bridge("more", 3004));
        await Service.EchoesAsync(3004);
    }

    [Test]
    public async Task Save_FileReplacedAsEditorsDo_Noticed()
    {
        await Service.RestartWithAsync(Bridge("web", 3003));
        await Machine.WriteAsync(InstalledService.ConfigurationFile + ".swp", new DaemonConfig(Bridge("web", 3003), Bridge("more", 3004))
            .ToJson());
        await Machine.CheckAsync($"mv {InstalledService.ConfigurationFile}.swp {InstalledService.ConfigurationFile}");
        await Service.EchoesAsync(3004);
    }

    [Test]
    public async Task Reload_WrongFile_FailsNamesTheKeyAndKeepsWhatRuns()
    {
        await Service.RestartWithAsync(Bridge("web", 3003));
        using HeldConnection held = await HeldConnection.OpenAsync(Machine, 3003);

        await Service.ConfigureAsync(Bridge("web", 3003), Bridge("more", 3004) with { Listen = "nowhere:http" });
        Assert.That(await Machine.HoldsAsync("systemctl reload nsbridge"), Is.False);

        Assert.That(await Service.JournalAsync(), Does.Contain("NsBridge:Bridges:1:Listen"));
        Assert.That(await Service.PropertyAsync("ActiveState"), Is.EqualTo("active"));
        await held.GoesOnAsync();
        await Service.EchoesAsync(3003);
    }

    private BridgeEntry Bridge(string name, int port) =>
        new(name) { Listen = $"127.0.0.1:{port}", Namespace = _target.Name, Target = "127.0.0.1:3000" };
}
