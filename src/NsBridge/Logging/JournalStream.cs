namespace NsBridge.Logging;

/// <summary>
/// Tells whether standard error is connected to the journal, after systemd.exec(5): <c>JOURNAL_STREAM</c> holds
/// <c>DEVICE:INODE</c> of the stream that the service manager made. A shell redirection leaves the variable set while
/// standard error goes elsewhere, so the variable alone proves nothing.
/// </summary>
internal static class JournalStream
{
    public static bool IsStandardError() =>
        Matches(Environment.GetEnvironmentVariable("JOURNAL_STREAM"), new FileInfo("/proc/self/fd/2").LinkTarget);

    /// <param name="journalStream">Value of the variable, <c>DEVICE:INODE</c>.</param>
    /// <param name="linkTarget">What standard error is, as /proc tells it: <c>socket:[INODE]</c> for a socket.</param>
    internal static bool Matches(string? journalStream, string? linkTarget)
    {
        if (journalStream?.Split(':') is not [_, var inode] || inode.Length == 0)
            return false;

        // Every socket lives in the kernel's one sockfs, so the inode alone identifies it and the device need not be asked for.
        return linkTarget == $"socket:[{inode}]";
    }
}
