using NsBridge.SystemTests.Machine;
using NsBridge.SystemTests.Package;
using NUnit.Framework.Interfaces;

namespace NsBridge.SystemTests.Service;

/// <summary>A booted machine with the package installed, for all tests of a fixture.</summary>
internal abstract class ServiceFixture
{
    protected SystemdContainer Machine { get; private set; } = null!;

    protected InstalledService Service { get; private set; } = null!;

    [OneTimeSetUp]
    public async Task BootAndInstallAsync()
    {
        Machine = await SystemdContainer.StartAsync(await BuiltPackage.FolderAsync());
        Service = await InstalledService.InstallAsync(Machine);
        foreach (var script in Directory.EnumerateFiles(Path.Combine(TestContext.CurrentContext.TestDirectory, "Scripts")))
            await Machine.WriteAsync($"/usr/local/bin/{Path.GetFileNameWithoutExtension(script)}", await File.ReadAllTextAsync(script));
    }

    [OneTimeTearDown]
    public async Task HaltAsync()
    {
        if (Machine is not null)
            await Machine.DisposeAsync();
    }

    [TearDown]
    public async Task TellJournalOfAFailureAsync()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Failed)
            await TestContext.Out.WriteLineAsync((await Machine.RunAsync("journalctl --no-pager --lines=80 --output=short-monotonic")).Output);
    }
}
