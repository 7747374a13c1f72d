namespace NsBridge.Testing;

/// <summary>
/// Base of a project's <c>[SetUpFixture]</c>. <c>dotnet test nsbridge.sln</c> runs the test projects side by side; those that measure time
/// or load hold one lock for their whole run, so that they do not disturb each other.
/// </summary>
public abstract class ExclusiveProject
{
    // Longer than all other projects that take the lock together.
    private static readonly TimeSpan s_deadline = TimeSpan.FromMinutes(20);
    private FileLock? _turn;

    [OneTimeSetUp]
    public async Task AcquireAsync()
    {
        await PrepareAsync();
        _turn = await FileLock.AcquireAsync(Path.Combine(Repository.Artifacts, "test-run.lock"), s_deadline);
    }

    [OneTimeTearDown]
    public void Release() => _turn?.Dispose();

    /// <summary>Work that needs no exclusive machine: publishing, installing. It runs before the lock is taken.</summary>
    protected virtual Task PrepareAsync() => Task.CompletedTask;
}
