using System.Runtime.InteropServices;
using NsBridge.Namespaces.Containers;
using NsBridge.Namespaces.Locating;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Namespaces;

/// <summary>A container engine that this user may not ask is not an engine without containers.</summary>
internal sealed class HiddenEngineTests
{
    private const uint Nobody = 65_534;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private ScratchDirectory _scratch = null!;

    [SetUp]
    public void LayOut()
    {
        _scratch = new ScratchDirectory();
        _scratch.OpenToEveryone();
        // As Debian lays out Podman of root: whoever is not root passes neither to its socket nor to its list.
        Directory.CreateDirectory(_scratch["podman"], OwnerOnly);
        Directory.CreateDirectory(_scratch["storage"]);
        Directory.CreateDirectory(_scratch["storage/overlay-containers"], OwnerOnly);
        _scratch.Write("storage/overlay-containers/containers.json", """[{"id":"f34dd5","names":["web"]}]""");
        Directory.CreateDirectory(_scratch["empty"]);
    }

    [TearDown]
    public void Remove() => _scratch.Dispose();

    [Test]
    public void IsThere_SocketInAHiddenFolder_IsTrue() =>
        Assert.That(AsNobody(() => new EngineApi("Podman", _scratch["podman/podman.sock"]).IsThere), Is.True);

    [Test]
    public void IsThere_NoSuchFolder_IsFalse() =>
        Assert.That(AsNobody(() => new EngineApi("Podman", _scratch["none/podman.sock"]).IsThere), Is.False);

    [Test]
    public void IsThere_StorageInAHiddenFolder_IsTrue() =>
        Assert.That(AsNobody(() => new PodmanFiles(_scratch["podman/storage"], _scratch["run"]).IsThere), Is.True);

    [Test]
    public void Inspect_ListInAHiddenFolder_IsForbidden() => Assert.That(
        () => Inspect(new PodmanFiles(_scratch["storage"], _scratch["run"])), Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("may not read it (EACCES)"));

    [Test]
    public void Inspect_NeitherSocketNorFilesMayBeUsed_TellsTheSockets() => Assert.That(
        () => Inspect(new PodmanEngine(_scratch["podman/podman.sock"], _scratch["storage"], _scratch["run"])),
        Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("may not ask it (EACCES)"));

    [Test]
    public void Inspect_SocketHiddenAndFilesReadable_IsWhatTheFilesSay() =>
        Assert.That(Inspect(new PodmanEngine(_scratch["podman/podman.sock"], _scratch["empty"], _scratch["run"])), Is.Null);

    [Test]
    public void Ask_NobodyMayBeAsked_SaysSo() => Assert.That(
        () => Ask(Hidden()), Throws.InstanceOf<IOException>().With.Message.Contains("may not ask it (EACCES)").And.Message.Not.Contains("there is no"));

    [Test]
    public void Ask_OneHasNoneAndAnotherMayNotBeAsked_WaitsAndTellsBoth() => Assert.That(
        Ask(new PodmanFiles(_scratch["empty"], _scratch["run"]), Hidden()).AbsentReason,
        Does.StartWith("cannot find container web").And.Contain("may not ask it (EACCES)").And.Contain($"{_scratch["empty"]} has none"));

    private PodmanEngine Hidden() => new(_scratch["podman/podman.sock"], _scratch["storage"], _scratch["run"]);

    private static ContainerFacts? Inspect(IContainerEngine engine) => AsNobody(() => engine.InspectAsync("web", CancellationToken.None).GetAwaiter().GetResult());

    private static NamespaceLocation Ask(params IContainerEngine[] engines) =>
        AsNobody(() => new ContainerLocator("web", engines).LocateAsync(CancellationToken.None).GetAwaiter().GetResult());

    /// <summary>The privileges over files go with the change and come back with it.</summary>
    private static T AsNobody<T>(Func<T> work)
    {
        int own = setfsuid(Nobody);
        try
        {
            return work();
        }
        finally
        {
            _ = setfsuid((uint)own);
        }
    }

    [DllImport("libc")]
    private static extern int setfsuid(uint user);
}
