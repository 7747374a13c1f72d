using NsBridge.SystemTests.Package;
using NUnit.Framework.Interfaces;

namespace NsBridge.SystemTests.Machine;

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
        foreach (string script in Directory.EnumerateFiles(Path.Combine(TestContext.CurrentContext.TestDirectory, "Scripts")))
            await Machine.WriteAsync($"/usr/local/bin/{Path.GetFileNameWithoutExtension(script)}", await File.ReadAllTextAsync(script));
    }

    [OneTimeTearDown]
    public async Task HaltAsync()
    {
        if (Machine is not null)
            await Machine.DisposeAsync();
    }

    /// <summary>Runs something while one of the package's example drop-ins is in force.</summary>
    protected async Task WithDropInAsync(string name, Func<Task> then)
    {
        await Machine.CheckAsync($"""
            mkdir -p /etc/systemd/system/nsbridge.service.d
            cp /usr/share/doc/nsbridge/examples/{name} /etc/systemd/system/nsbridge.service.d/
            systemctl daemon-reload
            systemctl restart nsbridge
            """);
        try
        {
            await then();
        }
        finally
        {
            await Machine.CheckAsync("rm -r /etc/systemd/system/nsbridge.service.d; systemctl daemon-reload; systemctl restart nsbridge");
        }
    }

    [TearDown]
    public async Task TellJournalOfAFailureAsync()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Failed)
            await TestContext.Out.WriteLineAsync(
                (await Machine.RunAsync("journalctl --no-pager --lines=80 --output=short-monotonic")).Output);
    }
}
