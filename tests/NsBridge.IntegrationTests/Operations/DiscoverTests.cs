using System.Text.Json;
using NsBridge.IntegrationTests.Faults;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Operations;

/// <summary>What <c>discover</c> finds, and that it is ready to be used.</summary>
internal sealed class DiscoverTests : BridgeFixture
{
    [OneTimeSetUp]
    public static Task InstallAsync() => DebianPackages.RequireAsync("python3-minimal", "libpython3-stdlib");

    [Test]
    public async Task Discover_OfANamespace_GivesABridgeToWhatListensThere()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);

        CommandResult result = await Executable.RunAsync(["discover", space.Name]);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        JsonElement entry = Entries(result.Output).Single();
        Assert.Multiple(() =>
        {
            Assert.That(entry.GetProperty("Namespace").GetString(), Is.EqualTo(space.Name));
            Assert.That(entry.GetProperty("Target").GetString(), Is.EqualTo(server.EndPoint.ToString()));
            Assert.That(result.Output, Does.Contain($"(pid {Environment.ProcessId}"), "whose it is");
        });
    }

    [Test]
    public async Task Discover_OfAll_FindsNamespacesThatHaveNoName()
    {
        using var holder = BackgroundProcess.Start("unshare", ["--net", "sh", "-c", "ip link set lo up && exec python3 -m http.server 8000 --bind 127.0.0.1"]);
        string reference = $"pid:{holder.Id}";

        await Eventually.TrueAsync(
            async () => (await Executable.RunAsync(["discover"])).Output.Contains(reference, StringComparison.Ordinal), Soon, "the unnamed namespace is found");
    }

    [Test]
    public async Task Discover_OfAMissingNamespace_Fails()
    {
        TestNamespace space = await ReserveNamespaceAsync();

        CommandResult result = await Executable.RunAsync(["discover", space.Name]);

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Error, Does.Contain("does not exist"));
        Executable.CheckPlain(result);
    }

    [Test]
    public async Task Discover_Written_IsServedByTheRunningDaemonAndKeepsABackup()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        TargetServer other = Target(scene.Namespace, Serve.Echo);
        string before = await File.ReadAllTextAsync(scene.Daemon.ConfigurationFile);

        CommandResult result = await scene.Daemon.LocateAsync("discover", scene.Namespace.Name, "--write");

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Error, Does.Contain("bridged already by web").And.Contain($"the running daemon (pid {scene.Daemon.Id}) takes it up by itself"));
        Assert.That(await File.ReadAllTextAsync(scene.Daemon.ConfigurationFile + ".bak"), Is.EqualTo(before));
        JsonElement entry = Entries(result.Output).Single();
        Assert.That(entry.GetProperty("Target").GetString(), Is.EqualTo(other.EndPoint.ToString()));
        var listen = System.Net.IPEndPoint.Parse(entry.GetProperty("Listen").GetString()!);
        await scene.Daemon.WaitListeningAsync(listen);
        Assert.That(await EchoesAsync(listen));
    }

    [Test]
    public async Task Discover_WrittenToAnotherFileThanTheDaemons_SaysThatTheDaemonHasAnother()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        Target(scene.Namespace, Serve.Echo);
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("appsettings.json", scene.Daemon.ToJson(new DaemonConfig(scene.Entry)));

        CommandResult result = await Executable.RunAsync(["discover", scene.Namespace.Name, "--write", "--config", file]);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Error, Does.Contain($"added 1 bridge to {file}").And.Contain(scene.Daemon.ConfigurationFile).And.Not.Contain("by itself"));
    }

    [Test]
    public async Task Discover_WrittenThroughALinkToTheDaemonsFile_IsTakenUp()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        Target(scene.Namespace, Serve.Echo);
        using var scratch = new ScratchDirectory();
        File.CreateSymbolicLink(scratch["link.json"], scene.Daemon.ConfigurationFile);

        CommandResult result = await Executable.RunAsync(["discover", scene.Namespace.Name, "--write", "--config", scratch["link.json"]]);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Error, Does.Contain($"the running daemon (pid {scene.Daemon.Id}) takes it up by itself"));
    }

    private static List<JsonElement> Entries(string output)
    {
        using var document = JsonDocument.Parse(output, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip });
        return [.. document.RootElement.Clone().EnumerateArray()];
    }

    [Test]
    public async Task Discover_WithoutPrivilege_Exits77()
    {
        TestNamespace space = await NamespaceAsync();
        using var scratch = new ScratchDirectory();
        scratch.OpenToEveryone();
        File.Copy(await PublishedDaemon.PathAsync(), scratch["nsbridge"]);

        CommandResult result = await Command.RunAsync(
            "setpriv", ["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all", scratch["nsbridge"], "discover", space.Name]);

        Assert.That(result.ExitCode, Is.EqualTo(77), result.Everything);
        Assert.That(result.Error, Does.Contain("CAP_SYS_ADMIN"));
    }

    [TestCase("755", "CAP_SYS_PTRACE")]
    [TestCase("700", "/run/netns")]
    public async Task Discover_OfAllWithoutPrivilege_SaysWhatItCouldNotSeeAndExits77(string modeOfNames, string words)
    {
        using var scratch = new ScratchDirectory();

        CommandResult result = await PrivateNames.RunAsNobodyAsync(scratch, modeOfNames, "discover");

        Assert.That(result.ExitCode, Is.EqualTo(77), result.Everything);
        Assert.That(result.Error, Does.Contain(words).And.Contain("as root").And.Not.Contain("nothing listens"));
        Executable.CheckPlain(result);
    }

    [TestCase("{}")]
    [TestCase("""{ "Logging": {} }""")]
    public async Task Discover_WriteToAFileWithoutTheSection_AddsIt(string text)
    {
        TestNamespace space = await NamespaceAsync();
        Target(space, Serve.Echo);
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("old.json", text);

        CommandResult result = await Executable.RunAsync(["discover", space.Name, "--write", "--config", file]);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That((await Executable.RunAsync(["check", "--config", file])).Output, Does.Contain("1 bridge"));
    }

    [Test]
    public async Task Discover_WriteToAFileThatIsNotThere_MakesIt()
    {
        TestNamespace space = await NamespaceAsync();
        Target(space, Serve.Echo);
        using var scratch = new ScratchDirectory();

        // A directory that no daemon has.
        var environment = new Dictionary<string, string?> { ["RUNTIME_DIRECTORY"] = scratch["run"] };
        CommandResult result = await Executable.RunAsync(["discover", space.Name, "--write", "--config", scratch["new.json"]], environment);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That((await Executable.RunAsync(["check", "--config", scratch["new.json"]])).Output, Does.Contain("1 bridge"));
        Assert.That(result.Error, Does.Contain("a daemon whose configuration this is takes it up"));
        Executable.CheckPlain(result);
    }

    [Test]
    public async Task Discover_WriteToADirectoryThatIsNotThere_SaysSo()
    {
        TestNamespace space = await NamespaceAsync();
        Target(space, Serve.Echo);

        CommandResult result = await Executable.RunAsync(["discover", space.Name, "--write", "--config", "/nonexistent/new.json"]);

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Error, Does.Contain("cannot write /nonexistent/new.json: no such file or directory"));
        Executable.CheckPlain(result);
    }
}
