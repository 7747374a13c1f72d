using System.Globalization;
using Microsoft.Win32.SafeHandles;
using NsBridge.Base;
using NsBridge.Linux.Interop;

namespace NsBridge.Control;

/// <summary>
/// One daemon a runtime directory: an exclusive lock on a file in it, which ends with the process however that ends.
/// A file of our own, not the directory: everybody who may read a directory could lock it and keep the daemon from starting.
/// </summary>
internal sealed class RuntimeDirectoryLock : IDisposable
{
    /// <summary>How often a daemon that is just ending may take the file away meanwhile; more often is no accident.</summary>
    private const int MostTries = 100;
    private const uint OwnerOnly = 0b110_000_000;

    private readonly string _path;
    private readonly SafeFileHandle _file;

    private RuntimeDirectoryLock(string path, SafeFileHandle file)
    {
        _path = path;
        _file = file;
    }

    /// <summary>Whether a process holds the lock. Looked up, not tried: a daemon that starts at this moment would find it taken.</summary>
    public static bool IsHeld(string path)
    {
        if (Libc.LinkStatus(Libc.PathBytes(path), out FileStatus file) < 0)
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
    /// <exception cref="UserErrorException">A link lies there, or somebody removes the file again and again.</exception>
    /// <exception cref="IOException">The file cannot be made or locked.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not make it.</exception>
    public static RuntimeDirectoryLock? TryTake(string path)
    {
        for (int tries = 0; tries < MostTries; tries++)
        {
            int file = Libc.Open(Libc.PathBytes(path), Libc.O_RDWR | Libc.O_CREAT | Libc.O_NOFOLLOW, mode: OwnerOnly);
            if (file == -(int)Errno.ELOOP)
                throw new UserErrorException($"{path} is a symbolic link; it is not followed. Remove it", ExitCode.Failed);
            Check(file);
            var taken = new RuntimeDirectoryLock(path, new SafeFileHandle(file, ownsHandle: true));
            int locked = Libc.TryLock(file);
            // The one who had it may have removed the file between our opening and our locking: then we hold the lock of nothing.
            if (locked >= 0 && taken.IsInPlace)
                return taken;
            taken._file.Dispose();
            if (locked == -(int)Errno.EAGAIN)
                return null;
            Check(locked);
        }

        throw new UserErrorException($"{path} is removed or replaced again and again; find out by whom", ExitCode.Failed);
    }

    private static void Check(int result)
    {
        if (result is -(int)Errno.EACCES or -(int)Errno.EPERM)
            throw new UnauthorizedAccessException();
        if (result < 0)
            throw new IOException(Libc.ErrorOf(result).ToString(), -result);
    }

    /// <summary>Whether what lies at the path is still the file that is locked.</summary>
    public bool IsInPlace => Libc.Status((int)_file.DangerousGetHandle(), out FileStatus ours) >= 0
        && Libc.LinkStatus(Libc.PathBytes(_path), out FileStatus there) >= 0
        && ours.IsSameFile(there);

    public void Dispose()
    {
        // Removed while locked, so that whoever opens the path next makes a file of its own. What lies there may be another's by now.
        if (IsInPlace)
            Libc.Unlink(Libc.PathBytes(_path));
        _file.Dispose();
    }
}
