using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.Tcp;

/// <summary>Gives each test a scene of its own, and sees that nothing of it is left; with the loop's ring for small messages and without.</summary>
[TestFixture(true), TestFixture(false), LeaksNothing]
internal abstract class RelayFixture(bool ring)
{
    protected RelayScene Scene { get; private set; } = null!;

    [SetUp]
    public void MakeScene() => Scene = new RelayScene(ring);

    [TearDown]
    public async Task RemoveSceneAsync() => await Scene.DisposeAsync();
}
