using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands;

internal sealed class CommandLineTests
{
    private const int WrongCommandLine = 64;

    [TestCase("dance")]
    [TestCase("run", "--colour")]
    [TestCase("check", "--config")]
    [TestCase("run", "more", "words")]
    [TestCase("--nonsense")]
    [TestCase("check", "-x")]
    [TestCase("[diagram]", "check")]
    [Promise("cli.exit-codes")]
    public async Task CommandLine_Wrong_EndsWith64AndSaysHow(params string[] arguments)
    {
        CommandResult result = await Executable.RunAsync(arguments);

        Assert.That(result.ExitCode, Is.EqualTo(WrongCommandLine), result.Everything);
        Assert.That(result.Error, Is.Not.Empty);
        Executable.CheckPlain(result);
    }

    [TestCase("check --config c.json", 78)]
    [TestCase("check", 78)]
    [TestCase("import c.service", 64)]
    public async Task CommandLine_WithAFileInAFolderThatIsGone_SaysThatThereIsNone(string call, int code)
    {
        using var scratch = new ScratchDirectory();
        string line = $"mkdir {scratch["gone"]}; cd {scratch["gone"]}; rmdir {scratch["gone"]}; exec {await PublishedDaemon.PathAsync()} "
            + call;

        CommandResult result = await Command.RunAsync("/bin/sh", ["-c", line]);

        Assert.That(result.ExitCode, Is.EqualTo(code), result.Everything);
        Executable.CheckPlain(result);
    }

    /// <summary>Roads by which the framework's own faults would reach a user.</summary>
    [TestCase("ulimit -n 12; exec NSBRIDGE run --config c.json", "LimitNOFILE=")]
    [TestCase("ulimit -v 500000; exec NSBRIDGE check --config c.json", "")]
    [TestCase("exec NSBRIDGE check --schema > /dev/full", "ENOSPC")]
    [TestCase("exec NSBRIDGE check --config /proc/self/mem", "EIO")]
    [TestCase("exec NSBRIDGE status --config c.json", "no nsbridge is running")]
    [TestCase("exec NSBRIDGE run --config c.json", "cannot use the runtime directory")]
    [TestCase("exec NSBRIDGE discover machine:none", "machine none")]
    [TestCase("PATH= ; exec NSBRIDGE demo --once > /dev/full", "ENOSPC")]
    [Promise("cli.no-traces")]
    public async Task Command_ThatTheSystemRefusesSomething_SaysItInWords(string line, string words)
    {
        using var scratch = new ScratchDirectory();
        scratch.Write("file", "");
        string entry = """{ "Name": "web", "Listen": "127.0.0.1:3000", "Namespace": "none", "Target": "127.0.0.1:1" }""";
        scratch.Write("c.json", $$"""{ "NsBridge": { "RuntimeDirectory": "{{scratch["file"]}}/x", "Bridges": [{{entry}}] } }""");
        string program = await PublishedDaemon.PathAsync();

        CommandResult result = await Command.RunAsync(
            "/bin/sh", ["-c", $"cd {scratch.FullName}; {line.Replace("NSBRIDGE", program, StringComparison.Ordinal)}"]);

        Assert.That(result.Error, Does.Contain(words));
        Executable.CheckPlain(result);
    }

    [Test]
    public async Task Import_OfAFileThatMayNotBeRead_EndsWith77()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("web.service", "[Service]\nExecStart=socat TCP-LISTEN:1,fork TCP:127.0.0.1:2\n");
        scratch.OpenToEveryone();
        File.SetUnixFileMode(file, UnixFileMode.UserRead);

        CommandResult result = await Command.RunAsync(
            "setpriv", ["--reuid=nobody", "--regid=nogroup", "--clear-groups", await PublishedDaemon.PathAsync(), "import", file]);

        Assert.That(result.ExitCode, Is.EqualTo(77), result.Everything);
        Assert.That(result.Error, Does.Contain($"{file}: the file may not be read by this user"));
        Executable.CheckPlain(result);
    }

    [Test]
    public async Task Version_Asked_IsOneLine()
    {
        CommandResult result = await Executable.RunAsync(["--version"]);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output.Trim(), Does.Match(@"^nsbridge \d+\.\d+\.\d+\S*$"));
    }

    [Test]
    public async Task Help_Asked_NamesEveryCommand()
    {
        CommandResult result = await Executable.RunAsync(["--help"]);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        foreach (string? command in new[] { "run", "check", "status", "doctor", "discover", "demo" })
            Assert.That(result.Output, Does.Contain(command));
    }

    [Test]
    public async Task Help_OfAll_DoesNotShowWhatMayBeLeftOutAsRequired()
    {
        CommandResult all = await Executable.RunAsync(["--help"]);
        CommandResult one = await Executable.RunAsync(["doctor", "--help"]);

        Assert.That(all.Output, Does.Not.Contain(" <BRIDGE>").And.Not.Contain("discover <NAMESPACE>").And.Contain("import <SOURCE>"));
        Assert.That(one.Output, Does.Contain("[<BRIDGE>]"));
    }
}
