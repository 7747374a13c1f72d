using System.Globalization;
using Microsoft.Win32.SafeHandles;
using NsBridge.Base;
using NsBridge.Linux.Interop;

namespace NsBridge.Control;

/// <summary>One daemon per runtime directory: an exclusive lock on a file in it, which ends with the process however that ends. On a file,
/// not on the directory: any user who may read a directory could lock it and keep the daemon from starting.</summary>
internal sealed class RuntimeDirectoryLock(string path, SafeFileHandle file) : IDisposable
{
    /// <summary>A daemon that is just ending may remove the file meanwhile; more often than this is no accident.</summary>
    private const int MostTries = 100;
    private const uint OwnerOnly = 0b110_000_000;

    /// <summary>Whether a process holds the lock. Read, not tried: a daemon that starts at this moment would find the lock taken.</summary>
    public static bool IsHeld(string path)
    {
        if (Libc.LinkStatus(Libc.PathBytes(path), out FileStatus status) < 0)
            return false;
        try
        {
            // "1: FLOCK  ADVISORY  WRITE 7 00:2d:56 0 EOF", with the inode behind the device.
            string inode = string.Create(CultureInfo.InvariantCulture, $":{status.Inode}");
            return File.ReadLines("/proc/locks").Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Any(words => words is [_, "FLOCK", _, "WRITE", _, var id, ..] && id.EndsWith(inode, StringComparison.Ordinal));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Takes the lock; null if another process has it.</summary>
    /// <exception cref="UserErrorException">The path is a link, or the file is removed again and again.</exception>
    /// <exception cref="IOException">The file cannot be made or locked.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not make it.</exception>
    public static RuntimeDirectoryLock? TryTake(string path)
    {
        for (int tries = 0; tries < MostTries; tries++)
        {
            int opened = Libc.Open(Libc.PathBytes(path), Libc.O_RDWR | Libc.O_CREAT | Libc.O_NOFOLLOW, mode: OwnerOnly);
            if (opened == -(int)Errno.ELOOP)
                throw new UserErrorException($"{path} is a symbolic link; it is not followed. Remove it", ExitCode.Failed);
            Check(opened);
            var taken = new RuntimeDirectoryLock(path, new SafeFileHandle(opened, ownsHandle: true));
            int locked = Libc.TryLock(opened);
            // The previous holder may have removed the file between open and lock: then this is the lock of an unlinked file.
            if (locked >= 0 && taken.IsInPlace)
                return taken;
            taken.Release();
            if (locked == -(int)Errno.EAGAIN)
                return null;
            Check(locked);
        }

        throw new UserErrorException($"{path} is removed or replaced again and again; find the program that does it", ExitCode.Failed);
    }

    private static void Check(int result)
    {
        if (result is -(int)Errno.EACCES or -(int)Errno.EPERM)
            throw new UnauthorizedAccessException();
        if (result < 0)
            throw new IOException(Libc.ErrorOf(result).ToString(), -result);
    }

    /// <summary>Whether the path still leads to the locked file.</summary>
    public bool IsInPlace => Libc.Status((int)file.DangerousGetHandle(), out FileStatus ours) >= 0
        && Libc.LinkStatus(Libc.PathBytes(path), out FileStatus there) >= 0
        && ours.IsSameFile(there);

    public void Dispose()
    {
        // Removed while locked, so that the next process makes a file of its own. The file at the path may be another process's by now.
        if (IsInPlace)
            Libc.Unlink(Libc.PathBytes(path));
        Release();
    }

    private void Release() => file.Dispose();
}
