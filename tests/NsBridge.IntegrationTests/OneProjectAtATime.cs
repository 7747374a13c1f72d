using NsBridge.Testing;

namespace NsBridge.IntegrationTests;

/// <summary>Takes this project's turn, and publishes the executable and installs the peers before the first test's clock starts.</summary>
[SetUpFixture]
internal sealed class OneProjectAtATime
{
    private FileLock? _turn;

    [OneTimeSetUp]
    public async Task TakeTurnAsync()
    {
        await DebianPackages.RequireAsync("iproute2");
        await PublishedDaemon.PathAsync();
        _turn = await ExclusiveRun.AcquireAsync();
    }

    [OneTimeTearDown]
    public void PassTurn() => _turn?.Dispose();
}
