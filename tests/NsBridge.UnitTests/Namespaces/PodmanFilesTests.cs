using NsBridge.Namespaces.Containers;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Namespaces;

/// <summary>Podman's state on disk, laid out as Podman 4.3 writes it.</summary>
internal sealed class PodmanFilesTests
{
    private const string Web = "f34dd5a96a2226569c780b02034c656191fb1a37a3d2ab18e4f3f5df9972a1e8";
    private const string Other = "f3000000000000000000000000000000000000000000000000000000000000aa";
    private const string OwnNetwork = """{"linux":{"namespaces":[{"type":"pid"},{"type":"network","path":"/run/netns/netns-1"},{"type":"mount"}]}}""";
    private const string HostNetwork = """{"linux":{"namespaces":[{"type":"pid"},{"type":"mount"}]}}""";

    private ScratchDirectory _scratch = null!;
    private PodmanFiles _podman = null!;

    [SetUp]
    public void LayOut()
    {
        _scratch = new ScratchDirectory();
        Write("storage/overlay-containers/containers.json", $$"""[{"id":"{{Web}}","names":["web"],"image":"1"},{"id":"{{Other}}","names":["f34dd5"]},{"id":"aa{{Other[2..]}}"}]""");
        Write($"storage/overlay-containers/{Web}/userdata/config.json", OwnNetwork);
        Write($"run/overlay-containers/{Web}/userdata/pidfile", "4711");
        _podman = new PodmanFiles(_scratch["storage"], _scratch["run"]);
    }

    [TearDown]
    public void Remove() => _scratch.Dispose();

    [TestCase("web")]
    [TestCase(Web)]
    [TestCase("f34dd5a9")]
    public async Task Inspect_ByNameOrId_TellsTheFirstProcess(string name) =>
        Assert.That(await InspectAsync(name), Is.EqualTo(new ContainerFacts(Web, "running", 4711, false)));

    [Test]
    public async Task Inspect_NameLooksLikeAnotherOnesId_IsTheName() => Assert.That((await InspectAsync("f34dd5"))?.Id, Is.EqualTo(Other));

    [Test]
    public void Inspect_BeginningOfTwoIds_IsAFault() =>
        Assert.That(() => InspectAsync("f3"), Throws.InstanceOf<IOException>().With.Message.Contains("several"));

    [Test]
    public async Task Inspect_Unknown_IsNull() => Assert.That(await InspectAsync("nobody"), Is.Null);

    [Test]
    public async Task Inspect_WithoutPidFile_IsStopped()
    {
        File.Delete(_scratch[$"run/overlay-containers/{Web}/userdata/pidfile"]);
        Assert.That(await InspectAsync("web"), Is.EqualTo(new ContainerFacts(Web, "stopped", 0, false)));
    }

    [Test]
    public async Task Inspect_NeverStarted_IsStopped() => Assert.That(await InspectAsync(Other), Is.EqualTo(new ContainerFacts(Other, "stopped", 0, false)));

    [Test]
    public async Task Inspect_WithoutANetworkNamespace_IsOnTheHostsNetwork()
    {
        Write($"storage/overlay-containers/{Web}/userdata/config.json", HostNetwork);
        Assert.That((await InspectAsync("web"))?.IsHostNetwork, Is.True);
    }

    [Test]
    public async Task Inspect_ListOfContainersThatAreGoneAfterARestart_IsReadToo()
    {
        Write("storage/overlay-containers/volatile-containers.json", $$"""[{"id":"bb{{Other[2..]}}","names":["brief"]}]""");
        Assert.That((await InspectAsync("brief"))?.Id, Is.EqualTo("bb" + Other[2..]));
    }

    [TestCase("")]
    [TestCase("{")]
    [TestCase("{}")]
    [TestCase("[{}]")]
    public void Inspect_FilesOfAnotherLayout_IsAFault(string list)
    {
        Write("storage/overlay-containers/containers.json", list);
        Assert.That(() => InspectAsync("web"), Throws.InstanceOf<IOException>().With.Message.Contains("not understood"));
    }

    [Test]
    public void IsThere_NoPodman_IsFalse() => Assert.That(new PodmanFiles(_scratch["none"], _scratch["none"]).IsThere, Is.False);

    private Task<ContainerFacts?> InspectAsync(string name) => _podman.InspectAsync(name, CancellationToken.None);

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_scratch[path])!);
        _scratch.Write(path, text);
    }
}
