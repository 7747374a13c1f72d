using NsBridge.Namespaces.Containers;

namespace NsBridge.UnitTests.Namespaces;

/// <summary>A container whose engine goes away: it may run on without it.</summary>
internal sealed class ContainerSourceGoneTests
{
    private static readonly ContainerFacts s_running = new(new string('a', 64), "running", 4711, false);

    [TestCase(false)]
    [TestCase(true)]
    public async Task Engine_ThatToldOfTheContainerHasGone_IsNoAnswer(bool isAnotherThere)
    {
        var engine = new Engine("Docker") { Facts = s_running };
        var source = new ContainerLocator("web", [engine, new Engine("Podman") { IsThere = isAnotherThere }]);
        Assert.That((await source.LocateAsync(CancellationToken.None)).Process, Is.EqualTo(s_running.Process));

        engine.IsThere = false;

        Assert.That(async () => await source.LocateAsync(CancellationToken.None), Throws.TypeOf<IOException>().With.Message.Contains("Docker"));
        Assert.That(async () => await source.LocateAsync(CancellationToken.None), Throws.TypeOf<IOException>(), "for as long as it stays away");
    }

    [Test]
    public async Task Engine_ThatSaidTheContainerHasGoneGoesToo_LeavesNothingToWaitFor()
    {
        var engine = new Engine("Docker") { Facts = s_running };
        var source = new ContainerLocator("web", [engine]);
        await source.LocateAsync(CancellationToken.None);
        engine.Facts = null;
        Assert.That((await source.LocateAsync(CancellationToken.None)).AbsentReason, Does.Contain("there is no container web"));

        engine.IsThere = false;

        Assert.That((await source.LocateAsync(CancellationToken.None)).AbsentReason, Does.Contain("there is no container engine"));
    }

    [Test]
    public void Container_WithAnEmptyId_IsNone()
    {
        var source = new ContainerLocator("web", [new Engine("Docker") { Facts = s_running with { Id = "" } }]);

        Assert.That(() => source.LocateAsync(CancellationToken.None), Throws.TypeOf<IOException>().With.Message.Contains("without an id"));
    }

    [Test]
    public async Task Container_ThatAnotherEngineHasNow_IsFollowedThere()
    {
        var docker = new Engine("Docker") { Facts = s_running };
        var podman = new Engine("Podman");
        var source = new ContainerLocator("web", [docker, podman]);
        await source.LocateAsync(CancellationToken.None);
        docker.IsThere = false;
        podman.Facts = s_running with { Process = 4712 };
        Assert.That((await source.LocateAsync(CancellationToken.None)).Process, Is.EqualTo(4712));

        podman.Facts = null;

        Assert.That((await source.LocateAsync(CancellationToken.None)).AbsentReason, Does.Contain("there is no container web"));
    }

    private sealed class Engine(string name) : IContainerEngine
    {
        public string Description { get; } = name;

        public bool IsThere { get; set; } = true;

        public ContainerFacts? Facts { get; set; }

        public Task<ContainerFacts?> InspectAsync(string name, CancellationToken cancel) => Task.FromResult(Facts);
    }
}
