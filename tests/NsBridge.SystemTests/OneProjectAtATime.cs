using NsBridge.SystemTests.Machine;
using NsBridge.SystemTests.Package;
using NsBridge.Testing;

namespace NsBridge.SystemTests;

/// <summary>Takes this project's turn, with the root and the package made before the first test's clock starts.</summary>
[SetUpFixture]
internal sealed class OneProjectAtATime
{
    private FileLock? _turn;

    [OneTimeSetUp]
    public async Task TakeTurnAsync()
    {
        await DebianRoot.PathAsync();
        await BuiltPackage.FolderAsync();
        _turn = await ExclusiveRun.AcquireAsync();
    }

    [OneTimeTearDown]
    public void PassTurn() => _turn?.Dispose();
}
