using NsBridge.Testing;

namespace NsBridge.UnitTests.Relaying;

/// <summary>Gives each test a scene of its own, and sees that nothing of it is left.</summary>
[TestFixture, LeaksNothing]
internal abstract class RelayFixture
{
    protected RelayScene Scene { get; private set; } = null!;

    [SetUp]
    public void MakeScene() => Scene = new RelayScene();

    [TearDown]
    public async Task RemoveSceneAsync() => await Scene.DisposeAsync();
}
