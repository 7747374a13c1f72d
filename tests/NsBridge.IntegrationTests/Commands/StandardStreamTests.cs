using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands;

/// <summary>Standard output and error that are full, closed, or not read.</summary>
internal sealed class StandardStreamTests : BridgeFixture
{
    [TestCase("--version >/dev/full", "ENOSPC")]
    [TestCase("--help >/dev/full", "ENOSPC")]
    [TestCase("check >/dev/full", "ENOSPC")]
    [TestCase("check >&-", "it is closed")]
    [TestCase("--version >&- <&-", "it is closed")]
    [TestCase("status --json >/dev/full", "ENOSPC")]
    [TestCase("status >&-", "it is closed")]
    [TestCase("doctor >/dev/full", "ENOSPC")]
    public async Task Output_ThatCannotBeWritten_IsSaidInOneLine(string call, string why)
    {
        Scene scene = await SceneAsync(Serve.Echo);

        CommandResult result = await ShellAsync(call, scene.Daemon.ConfigurationFile);

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Error.Trim(), Is.EqualTo($"nsbridge: cannot write to standard output: {why}"));
    }

    [TestCase("status --watch")]
    [TestCase("status --watch --json")]
    public async Task Watch_WhoseReaderHasGone_Ends(string call)
    {
        Scene scene = await SceneAsync(Serve.Echo);

        CommandResult result = await ShellAsync($"{call} | head -1", scene.Daemon.ConfigurationFile);

        Assert.That(result.ExitCode, Is.Zero);
        Assert.That(result.Error, Is.Empty);
    }

    [TestCase("check 2>/dev/full", 0)]
    [TestCase("check --fly 2>/dev/full", 64)]
    [TestCase("check --fly 2>&-", 64)]
    public async Task Error_ThatCannotBeWritten_ChangesNothing(string call, int code)
    {
        Scene scene = await SceneAsync(Serve.Echo);

        Assert.That((await ShellAsync(call, scene.Daemon.ConfigurationFile)).ExitCode, Is.EqualTo(code));
    }

    [TestCase("2>&-")]
    [TestCase("<&- >&- 2>&-")]
    [TestCase("2>/dev/full")]
    public async Task Daemon_WithoutStandardStreams_Serves(string without)
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(
            new DaemonConfig(new BridgeEntry("web")
            {
                Listen = listen.ToString(),
                Namespace = space.Name,
                Target = server.EndPoint.ToString()
            }),
            new DaemonLaunch { Behind = ["/bin/sh", "-c", $"exec \"$@\" {without}", "sh"] });

        Assert.That(await EchoesAsync(listen), Is.True);
        await daemon.SignalAsync("HUP");
        Assert.That(await EchoesAsync(listen), Is.True);
    }

    private static async Task<CommandResult> ShellAsync(string call, string file)
    {
        // After the verb, before the redirection.
        string verb = call.Split(' ')[0];
        string line = verb.StartsWith('-') ? call : $"{verb} --config {file}{call[verb.Length..]}";
        CommandResult result = await Command.RunAsync(
            "/bin/sh", ["-c", $"{await PublishedDaemon.PathAsync()} {line}"], TimeSpan.FromSeconds(20));
        Executable.CheckPlain(result);
        return result;
    }
}
