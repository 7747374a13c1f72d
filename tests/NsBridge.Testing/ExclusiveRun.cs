namespace NsBridge.Testing;

/// <summary>
/// <c>dotnet test nsbridge.sln</c> runs the test projects side by side. Those that measure time or load take this lock for their whole run,
/// so that they follow each other instead of disturbing each other.
/// </summary>
public static class ExclusiveRun
{
    // Longer than the longest project may take, so that a queue of two still fits.
    private static readonly TimeSpan s_deadline = TimeSpan.FromMinutes(20);

    /// <summary>Waits for this project's turn; dispose what is returned when all its tests are over.</summary>
    public static Task<FileLock> AcquireAsync() =>
        FileLock.AcquireAsync(Path.Combine(Repository.Artifacts, "test-run.lock"), s_deadline);
}
