using NsBridge.Linux.Interop;

namespace NsBridge.Bridges;

/// <summary>Tells one content of a file from another by what the file system says of it.</summary>
internal readonly record struct FileMark(bool Exists, ulong Inode, long Length, DateTime Written)
{
    public static FileMark Of(string path)
    {
        var file = new FileInfo(path);
        if (file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target)
            file = target;
        if (!file.Exists)
            return default;
        return Libc.LinkStatus(Libc.PathBytes(file.FullName), out FileStatus status) < 0
            ? default
            : new FileMark(true, status.Inode, file.Length, file.LastWriteTimeUtc);
    }
}
