using NsBridge.Testing;

namespace NsBridge.SystemTests.Package;

/// <summary>The files as built, before anyone installs them.</summary>
internal sealed class PackageContentTests
{
    [Test]
    public async Task Package_Lintian_NoError()
    {
        await DebianPackages.RequireAsync("lintian");
        CommandResult verdict = await Command.RunAsync(
            "lintian", ["--allow-root", "--fail-on", "error", "--tag-display-limit", "0", await BuiltPackage.PathAsync()],
            TimeSpan.FromMinutes(2));
        Assert.That(verdict.ExitCode, Is.Zero, () => verdict.Everything);
    }

    [Test]
    public async Task Package_Configuration_IsAConffile() =>
        Assert.That(
            await Command.CheckAsync("dpkg-deb", "--info", await BuiltPackage.PathAsync(), "conffiles"),
            Is.EqualTo("/etc/nsbridge/appsettings.json\n"));

    [Test]
    public async Task Package_Content_AllThatIsPromised()
    {
        string content = await Command.CheckAsync("dpkg-deb", "--contents", await BuiltPackage.PathAsync());
        Assert.That(content, Does.Contain("./usr/bin/nsbridge\n"));
        Assert.That(content, Does.Contain("./etc/nsbridge/conf.d/\n"));
        Assert.That(content, Does.Contain("./usr/share/nsbridge/appsettings.schema.json\n"));
        Assert.That(content, Does.Contain("./usr/lib/systemd/system/nsbridge.service\n"));
        Assert.That(content, Does.Contain("./usr/lib/sysusers.d/nsbridge.conf\n"));
        Assert.That(content, Does.Contain("./usr/share/man/man8/nsbridge.8.gz\n"));
        Assert.That(content, Does.Contain("./usr/share/man/man5/nsbridge.json.5.gz\n"));
        Assert.That(content, Does.Contain("./usr/share/bash-completion/completions/nsbridge\n"));
        Assert.That(content, Does.Contain("./usr/share/zsh/site-functions/_nsbridge\n"));
        Assert.That(content, Does.Contain("./usr/share/fish/vendor_completions.d/nsbridge.fish\n"));
        Assert.That(content, Does.Contain("./usr/share/doc/nsbridge/copyright\n"));
        Assert.That(content, Does.Contain("./usr/share/doc/nsbridge/README.md\n"));
        Assert.That(content, Does.Contain("./usr/share/doc/nsbridge/docs/recipes.md\n"));
        Assert.That(content, Does.Contain("./usr/share/doc/nsbridge/examples/client-address.conf\n"));
        Assert.That(content, Does.Contain("./usr/share/doc/nsbridge/examples/enter-processes.conf\n"));
        Assert.That(content, Does.Contain("./usr/share/doc/nsbridge/examples/io-uring.conf\n"));
        Assert.That(content, Does.Contain("./usr/share/doc/nsbridge/examples/alerts.yml\n"));
        Assert.That(content, Does.Contain("./usr/share/doc/nsbridge/examples/grafana-dashboard.json\n"));
    }

    [Test]
    public async Task Package_BuiltAgain_SameBytes()
    {
        using var again = new ScratchDirectory();
        CommandResult built = await Command.RunAsync(
            Path.Combine(Repository.Root, "deploy", "package.sh"),
            [again.FullName],
            TimeSpan.FromMinutes(2),
            new Dictionary<string, string?> { ["NSBRIDGE_EXECUTABLE"] = await PublishedDaemon.PathAsync() });
        Assert.That(built.ExitCode, Is.Zero, () => built.Everything);

        string[] files = Directory.GetFiles(await BuiltPackage.FolderAsync());
        Assert.That(files, Has.Length.EqualTo(2));
        foreach (string file in files)
            Assert.That(await File.ReadAllBytesAsync(again[Path.GetFileName(file)]), Is.EqualTo(await File.ReadAllBytesAsync(file)), file);
    }
}
