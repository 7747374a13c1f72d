using System.Globalization;
using NsBridge.Linux.Interop;

namespace NsBridge.Operations.Serving;

/// <summary>
/// One daemon a runtime directory: an exclusive lock on a file in it, which ends with the process however that ends.
/// A file of our own, not the directory: everybody who may read a directory could lock it and keep the daemon from starting.
/// </summary>
internal sealed class RuntimeDirectoryLock : IDisposable
{
    private readonly string _path;
    private readonly FileStream _file;

    private RuntimeDirectoryLock(string path, FileStream file)
    {
        _path = path;
        _file = file;
    }

    /// <summary>Whether a process holds the lock. Looked up, not tried: a daemon that starts at this moment would find it taken.</summary>
    public static bool IsHeld(string path)
    {
        if (Libc.LinkStatus(Libc.PathBytes(path), out var file) < 0)
            return false;
        try
        {
            // "1: FLOCK  ADVISORY  WRITE 7 00:2d:56 0 EOF", with the inode behind the device.
            return File.ReadLines("/proc/locks").Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Any(words => words is [_, "FLOCK", _, "WRITE", _, var place, ..] && place.EndsWith(string.Create(CultureInfo.InvariantCulture, $":{file.Inode}"), StringComparison.Ordinal));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Takes the lock; null where another process has it.</summary>
    /// <exception cref="IOException">The file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not make it.</exception>
    public static RuntimeDirectoryLock? TryTake(string path)
    {
        while (true)
        {
            FileStream file;
            try
            {
                // FileShare.None is flock(LOCK_EX | LOCK_NB).
                file = new FileStream(path, new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.None,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                });
            }
            catch (IOException exception) when (exception.HResult == (int)Errno.EAGAIN)
            {
                return null;
            }

            // The one who had it may have removed the file between our opening and our locking: then we hold the lock of nothing.
            var taken = new RuntimeDirectoryLock(path, file);
            if (taken.IsInPlace)
                return taken;
            file.Dispose();
        }
    }

    /// <summary>Whether what lies at the path is still the file that is locked.</summary>
    public bool IsInPlace => Libc.Status((int)_file.SafeFileHandle.DangerousGetHandle(), out var ours) >= 0
        && Libc.LinkStatus(Libc.PathBytes(_path), out var there) >= 0
        && ours.IsSameFile(there);

    public void Dispose()
    {
        // Removed while locked, so that whoever opens the path next makes a file of its own. What lies there may be another's by now.
        if (IsInPlace)
            Libc.Unlink(Libc.PathBytes(_path));
        _file.Dispose();
    }
}
