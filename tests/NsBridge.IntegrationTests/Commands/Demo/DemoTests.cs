using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Demo;

internal sealed class DemoTests
{
    private const int MissingPrivilege = 77;

    [TestCase(true)]
    [TestCase(false)]
    public async Task Demo_Once_EndsWithZeroAndLeavesNothing(bool asRoot)
    {
        using DemoProgram program = await DemoProgram.PrepareAsync(asRoot);
        List<string> namespaces = Namespaces();

        CommandResult result = await program.OnceAsync();

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output, Does.Contain("curl http").And.Contain("The bridge works."));
        Assert.That(result.Output, asRoot ? Does.Not.Contain("without root") : Does.Contain("made without root").And
            .Contain("\"Join\": \"handoff\""));
        // Other tests on the machine come and go meanwhile: only what names this program counts.
        Assert.That(Namespaces().Except(namespaces).Where(name => name.Contains("nsbridge", StringComparison.Ordinal)), Is.Empty);
        Assert.That(program.Leftovers, Is.Empty);
    }

    [Test]
    public async Task Demo_OfRootInAUserNamespaceOnTheHostsNetwork_WorksAsWithoutRoot()
    {
        // It has CAP_SYS_ADMIN, but not over the network that it would have to come back to.
        using DemoProgram program = await DemoProgram.PrepareAsync(asRoot: false);

        CommandResult result = await program.OnceAsync("unshare", "-Ur");

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output, Does.Contain("made without root"));
    }

    [TestCase("user.max_user_namespaces")]
    [TestCase("user.max_net_namespaces")]
    public async Task Demo_WhereUserNamespacesAreForbidden_SaysWhatForbidsThemAndTheCure(string setting)
    {
        using DemoProgram program = await DemoProgram.PrepareAsync(asRoot: false);

        // The limits of an own user namespace, which the host does not notice.
        CommandResult result = await program.OnceAsync(
            "unshare", "-Ur", "sh", "-c", $"echo 0 > /proc/sys/{setting.Replace('.', '/')}; exec \"$@\"", "sh");

        Assert.That(result.ExitCode, Is.EqualTo(MissingPrivilege), result.Everything);
        Assert.That(result.Error, Does.Contain("CAP_SYS_ADMIN").And.Contain($"{setting} = 0").And.Contain($"sudo sysctl {setting}=").And
            .Contain("sudo nsbridge demo"));
        Assert.That(program.Leftovers, Is.Empty);
    }

    [Test]
    public async Task Demo_WithoutRootAndWithoutUnshare_SaysWhatToInstall()
    {
        using DemoProgram program = await DemoProgram.PrepareAsync(asRoot: false);
        using var empty = new ScratchDirectory();

        CommandResult result = await program.OnceAsync("env", $"PATH={empty.FullName}");

        Assert.That(result.ExitCode, Is.EqualTo(MissingPrivilege), result.Everything);
        Assert.That(result.Error, Does.Contain("util-linux").And.Contain("sudo nsbridge demo"));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Demo_WithoutATemporaryDirectory_SaysSo(bool asRoot)
    {
        using DemoProgram program = await DemoProgram.PrepareAsync(asRoot);

        CommandResult result = await program.OnceAsync("env", "TMPDIR=/nonexistent");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Error.Trim(), Is.EqualTo("nsbridge demo: cannot make a directory in /nonexistent/, which TMPDIR may name"));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Demo_WhoseDirectoryIsTooLongForASocket_NamesTheVariable(bool asRoot)
    {
        using DemoProgram program = await DemoProgram.PrepareAsync(asRoot);
        using var deep = new ScratchDirectory();
        string path = Directory.CreateDirectory(deep[new string('x', 100)]).FullName;
        await Command.CheckAsync("chmod", "--recursive", "1777", deep.FullName);

        CommandResult result = await program.OnceAsync("env", $"TMPDIR={path}");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Error, Does.Contain("TMPDIR").And.Contain("at most 107 bytes").And.Not.Contain("NsBridge:"));
        Assert.That(Directory.GetFileSystemEntries(path), Is.Empty);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Demo_WithARelativeTemporaryDirectory_WorksInIt(bool asRoot)
    {
        using DemoProgram program = await DemoProgram.PrepareAsync(asRoot);
        using var here = new ScratchDirectory();
        await Command.CheckAsync("chmod", "1777", here.FullName);

        CommandResult result = await program.OnceAsync("env", $"--chdir={here.FullName}", "TMPDIR=.");

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(Directory.GetFileSystemEntries(here.FullName), Is.Empty);
    }

    private static List<string> Namespaces() => Directory.Exists("/run/netns") ? [.. Directory.GetFileSystemEntries("/run/netns")] : [];
}
