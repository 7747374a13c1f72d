using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Discover;

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
        using var holder = BackgroundProcess.Start(
            "unshare", ["--net", "sh", "-c", "ip link set lo up && exec python3 -m http.server 8000 --bind 127.0.0.1"]);
        string reference = $"pid:{holder.Id}";

        await Eventually.TrueAsync(
            async () =>
                (await Executable.RunAsync(["discover"])).Output.Contains(reference, StringComparison.Ordinal), Soon,
                "the unnamed namespace is found");
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
    public async Task Discover_InJson_GivesTheProcessAndTheEntry()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);

        CommandResult result = await Executable.RunAsync(["discover", "--json", space.Name]);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        JsonElement service = JsonDocument.Parse(result.Output).RootElement.GetProperty("services").EnumerateArray().Single();
        Assert.Multiple(() =>
        {
            Assert.That(service.GetProperty("namespace").GetString(), Is.EqualTo(space.Name));
            Assert.That(service.GetProperty("protocol").GetString(), Is.EqualTo("tcp"));
            Assert.That(service.GetProperty("target").GetString(), Is.EqualTo(server.EndPoint.ToString()));
            Assert.That(service.GetProperty("process").GetProperty("pid").GetInt32(), Is.EqualTo(Environment.ProcessId));
            Assert.That(service.GetProperty("bridge").ValueKind, Is.EqualTo(JsonValueKind.Null));
            Assert.That(service.GetProperty("entry").GetProperty("Target").GetString(), Is.EqualTo(server.EndPoint.ToString()));
        });
    }

    [Test]
    public async Task Discover_OfTheDaemonsOwnListenerInside_LeavesItOut()
    {
        TestNamespace door = await NamespaceAsync();
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { ListenNamespace = door.Name });

        CommandResult result = await scene.Daemon.AskAsync("discover", door.Name);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output, Is.Empty);
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
            "setpriv", ["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=-all", scratch["nsbridge"], "discover",
                space.Name]);

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
}
