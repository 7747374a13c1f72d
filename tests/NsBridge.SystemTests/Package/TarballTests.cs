using NsBridge.Testing;

namespace NsBridge.SystemTests.Package;

/// <summary>install.sh as another distribution's packager or administrator uses it, from the unpacked tarball.</summary>
internal sealed class TarballTests
{
    private ScratchDirectory _scratch = null!;
    private string _install = null!;
    private string _destination = null!;

    [SetUp]
    public async Task UnpackAsync()
    {
        _scratch = new ScratchDirectory();
        string tarball = Directory.EnumerateFiles(await BuiltPackage.FolderAsync(), "*.tar.gz").Single();
        await Command.CheckAsync("tar", "--extract", "--file", tarball, "--directory", _scratch.FullName, "--strip-components=1");
        _install = _scratch["install.sh"];
        _destination = _scratch["destination"];
    }

    [TearDown]
    public void Remove() => _scratch.Dispose();

    [Test]
    public async Task Install_DestinationAndPrefix_EverythingBelowThem()
    {
        await RunAsync("/opt/nsb");
        Assert.That(Installed(), Is.EquivalentTo((string[])
        [
            .. Documents().Select(document => $"opt/nsb/share/doc/nsbridge/{document}"),
            "etc/nsbridge/appsettings.json",
            "opt/nsb/bin/nsbridge",
            "opt/nsb/lib/systemd/system/nsbridge.service",
            "opt/nsb/lib/sysusers.d/nsbridge.conf",
            "opt/nsb/share/bash-completion/completions/nsbridge",
            "opt/nsb/share/doc/nsbridge/examples/alerts.yml",
            "opt/nsb/share/doc/nsbridge/examples/client-address.conf",
            "opt/nsb/share/doc/nsbridge/examples/enter-processes.conf",
            "opt/nsb/share/doc/nsbridge/examples/grafana-dashboard.json",
            "opt/nsb/share/doc/nsbridge/examples/io-uring.conf",
            "opt/nsb/share/doc/nsbridge/examples/nsbridge-web.socket",
            "opt/nsb/share/doc/nsbridge/examples/socket-group.conf",
            "opt/nsb/share/fish/vendor_completions.d/nsbridge.fish",
            "opt/nsb/share/man/man5/nsbridge.json.5",
            "opt/nsb/share/man/man8/nsbridge.8",
            "opt/nsb/share/nsbridge/appsettings.schema.json",
            "opt/nsb/share/zsh/site-functions/_nsbridge",
        ]));
        string unit = await File.ReadAllTextAsync(Path.Combine(_destination, "opt/nsb/lib/systemd/system/nsbridge.service"));
        Assert.That(unit, Does.Contain("ExecStart=/opt/nsb/bin/nsbridge run").And.Not.Contain("/usr/bin/nsbridge"));
        Assert.That(await Command.CheckAsync(Path.Combine(_destination, "opt/nsb/bin/nsbridge"), "--version"),
            Does.Match(@"\d+\.\d+\.\d+"));
    }

    [Test]
    public async Task Install_ConfigurationIsThere_IsKept()
    {
        string configuration = Path.Combine(_destination, "etc/nsbridge/appsettings.json");
        Directory.CreateDirectory(Path.GetDirectoryName(configuration)!);
        await File.WriteAllTextAsync(configuration, "mine");
        await RunAsync("/usr");
        Assert.That(await File.ReadAllTextAsync(configuration), Is.EqualTo("mine"));
    }

    [Test]
    public async Task Uninstall_Installed_OnlyTheConfigurationStays()
    {
        await RunAsync("/usr");
        await RunAsync("/usr", "--uninstall");
        Assert.That(Installed(), Is.EqualTo(new[] { "etc/nsbridge/appsettings.json" }));
    }

    private async Task RunAsync(string prefix, params string[] arguments)
    {
        CommandResult result = await Command.RunAsync(
            _install, arguments, environment: new Dictionary<string, string?> { ["DESTDIR"] = _destination, ["PREFIX"] = prefix });
        Assert.That(result.ExitCode, Is.Zero, () => result.Everything);
    }

    private static IEnumerable<string> Documents() => Directory
        .EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(Repository.Root, file))
        .Concat(["README.md", "CHANGELOG.md", "SECURITY.md"]);

    private string[] Installed() =>
    [
        .. Directory.EnumerateFiles(_destination, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(_destination, file))
            .Order(StringComparer.Ordinal),
    ];
}
