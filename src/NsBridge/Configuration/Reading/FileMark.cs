using NsBridge.Linux.Interop;

namespace NsBridge.Configuration.Reading;

/// <summary>Tells one content of a file from another by what the file system says of it; the default where there is no file.</summary>
/// <remarks>The time of change is that of the permissions too: a file that could not be read may be readable by it.</remarks>
internal readonly record struct FileMark(ulong Inode, ulong Length, (long Seconds, uint Nanoseconds) Modified, (long Seconds, uint Nanoseconds) Changed)
{
    public bool Exists => Inode != 0;

    /// <summary>Looks at what <paramref name="path"/> leads to, links followed.</summary>
    public static FileMark Of(string path)
    {
        int file = Libc.Open(Libc.PathBytes(path), Libc.O_PATH);
        if (file < 0)
            return default;
        int result = Libc.Status(file, out FileStatus status);
        Libc.Close(file);
        return result < 0
            ? default
            : new FileMark(status.Inode, status.Size, (status.ModifiedSeconds, status.ModifiedNanoseconds), (status.ChangedSeconds, status.ChangedNanoseconds));
    }
}
