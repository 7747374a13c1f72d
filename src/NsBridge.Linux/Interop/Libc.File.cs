using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>Files, directories, pipes and descriptors.</summary>
public static unsafe partial class Libc
{
    private static readonly bool s_isArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;

    public const int O_RDONLY = 0;
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_NONBLOCK = 0x800;
    public const int O_PATH = 0x200000;
    private const int O_CLOEXEC = 0x80000;

    /// <summary>Fail unless it is a directory; the number differs on arm.</summary>
    public static int O_DIRECTORY => s_isArm ? 0x4000 : 0x10000;

    /// <summary>Do not follow a symbolic link at the end; the number differs on arm.</summary>
    public static int O_NOFOLLOW => s_isArm ? 0x8000 : 0x20000;

    public const int AT_FDCWD = -100;
    private const int AT_EMPTY_PATH = 0x1000;
    private const int AT_SYMLINK_NOFOLLOW = 0x100;
    private const uint STATX_BASIC_STATS = 0x7ff;
    private const uint MFD_CLOEXEC = 1;
    private const int LOCK_EX = 2;
    private const int LOCK_NB = 4;
    private const int F_GETFD = 1;
    private const int F_DUPFD = 0;
    private const int F_SETFD = 2;
    private const int F_GETFL = 3;
    private const int F_SETFL = 4;
    private const int F_DUPFD_CLOEXEC = 1030;
    private const int F_SETPIPE_SZ = 1031;
    private const int FD_CLOEXEC = 1;
    private const uint SPLICE_F_MOVE = 1;
    private const uint SPLICE_F_NONBLOCK = 2;

    internal const uint S_IFMT = 0xF000;
    internal const uint S_IFIFO = 0x1000;
    internal const uint S_IFDIR = 0x4000;
    internal const uint S_IFREG = 0x8000;
    internal const uint S_IFSOCK = 0xC000;
    internal const uint S_IFLNK = 0xA000;

    /// <summary>f_type of a namespace file, NSFS_MAGIC in linux/magic.h.</summary>
    public const long NSFS_MAGIC = 0x6e736673;

    /// <summary>f_type of a pipe without a name, PIPEFS_MAGIC in linux/magic.h.</summary>
    public const long PIPEFS_MAGIC = 0x50495045;

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int memfd_create(byte* name, uint flags);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int openat(int directory, byte* path, int flags, uint mode);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int close(int descriptor);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial nint read(int descriptor, void* buffer, nuint length);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial nint pread(int descriptor, void* buffer, nuint length, long offset);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial nint write(int descriptor, void* buffer, nuint length);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int fstatfs(int descriptor, long* statfs);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int statx(int directory, byte* path, int flags, uint mask, FileStatus* status);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int flock(int descriptor, int operation);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int fchmod(int descriptor, uint mode);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int chmod(byte* path, uint mode);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int chown(byte* path, uint user, uint group);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int renameat(int fromDirectory, byte* from, int toDirectory, byte* to);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int unlinkat(int directory, byte* path, int flags);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int fcntl(int descriptor, int command, nint argument);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int pipe2(int* pair, int flags);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial nint splice(int from, long* fromOffset, int to, long* toOffset, nuint length, uint flags);

    /// <summary>Opens <paramref name="path"/> (zero-terminated), relative to <paramref name="directory"/>, with O_CLOEXEC. A file that
    /// O_CREAT makes gets <paramref name="mode"/>.</summary>
    public static int Open(ReadOnlySpan<byte> path, int flags, int directory = AT_FDCWD, uint mode = 0)
    {
        fixed (byte* p = path)
        {
            int result;
            do
                result = Result(openat(directory, p, flags | O_CLOEXEC, mode));
            while (result == -(int)Errno.EINTR);
            return result;
        }
    }

    /// <summary>Closes a descriptor. It is closed whatever the kernel answers.</summary>
    public static void Close(int descriptor)
    {
        if (descriptor >= 0)
            _ = close(descriptor);
    }

    public static nint Read(int descriptor, Span<byte> buffer)
    {
        fixed (byte* p = buffer)
        {
            nint result;
            do
                result = Result(read(descriptor, p, (nuint)buffer.Length));
            while (result == -(nint)(int)Errno.EINTR);
            return result;
        }
    }

    /// <summary>Reads a file at an offset.</summary>
    public static nint ReadAt(int descriptor, Span<byte> buffer, long offset)
    {
        fixed (byte* p = buffer)
        {
            nint result;
            do
                result = Result(pread(descriptor, p, (nuint)buffer.Length, offset));
            while (result == -(nint)(int)Errno.EINTR);
            return result;
        }
    }

    public static nint Write(int descriptor, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* p = buffer)
        {
            nint result;
            do
                result = Result(write(descriptor, p, (nuint)buffer.Length));
            while (result == -(nint)(int)Errno.EINTR);
            return result;
        }
    }

    /// <summary>Locks an open file; -EAGAIN if another opening of it has the lock.</summary>
    public static int TryLock(int descriptor) => Result(flock(descriptor, LOCK_EX | LOCK_NB));

    /// <summary>The type of the file system an open file lies on (f_type, see statfs(2)), or a negated error.</summary>
    public static long FileSystemType(int descriptor)
    {
        long* statfs = stackalloc long[16];
        int result = Result(fstatfs(descriptor, statfs));
        return result < 0 ? result : statfs[0];
    }

    /// <summary>The status of an open file.</summary>
    public static int Status(int descriptor, out FileStatus status)
    {
        byte empty = 0;
        fixed (FileStatus* s = &status)
            return Result(statx(descriptor, &empty, AT_EMPTY_PATH, STATX_BASIC_STATS, s));
    }

    /// <summary>The status of what <paramref name="path"/> (zero-terminated) names; a symbolic link is not followed.</summary>
    public static int LinkStatus(ReadOnlySpan<byte> path, out FileStatus status, int directory = AT_FDCWD)
    {
        fixed (byte* p = path)
        fixed (FileStatus* s = &status)
            return Result(statx(directory, p, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, s));
    }

    /// <summary>Sets the permissions of an open file.</summary>
    public static int ChangeMode(int descriptor, uint mode) => Result(fchmod(descriptor, mode));

    /// <summary>Sets the permissions of what <paramref name="path"/> (zero-terminated) leads to; follows links.</summary>
    public static int ChangeMode(ReadOnlySpan<byte> path, uint mode)
    {
        fixed (byte* p = path)
            return Result(chmod(p, mode));
    }

    /// <summary>Sets the group of what <paramref name="path"/> (zero-terminated) leads to; follows links.</summary>
    public static int ChangeGroup(ReadOnlySpan<byte> path, uint group)
    {
        fixed (byte* p = path)
            return Result(chown(p, uint.MaxValue, group));
    }

    /// <summary>Renames within a directory, replacing what has the new name.</summary>
    public static int Rename(int directory, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        fixed (byte* f = from)
        fixed (byte* t = to)
            return Result(renameat(directory, f, directory, t));
    }

    public static int Unlink(ReadOnlySpan<byte> path, int directory = AT_FDCWD)
    {
        fixed (byte* p = path)
            return Result(unlinkat(directory, p, 0));
    }

    /// <summary>A second descriptor of the same open file, the lowest free number from <paramref name="lowest"/> on.</summary>
    public static int Duplicate(int descriptor, int lowest = 0) => Result(fcntl(descriptor, F_DUPFD_CLOEXEC, lowest));

    /// <summary>Whether a descriptor is open and survives exec(2), as inherited ones do; those of this program and its runtime do
    /// not.</summary>
    public static bool IsInheritable(int descriptor) =>
        Result(fcntl(descriptor, F_GETFD, 0)) is >= 0 and var flags && (flags & FD_CLOEXEC) == 0;

    /// <summary>A second descriptor that a started program inherits.</summary>
    public static int DuplicateForChild(int descriptor) => Result(fcntl(descriptor, F_DUPFD, 0));

    public static int SetCloseOnExec(int descriptor) => Result(fcntl(descriptor, F_SETFD, FD_CLOEXEC));

    public static int SetNonBlocking(int descriptor)
    {
        int flags = Result(fcntl(descriptor, F_GETFL, 0));
        return flags < 0 ? flags : Result(fcntl(descriptor, F_SETFL, flags | O_NONBLOCK));
    }

    /// <summary>A new file that exists in memory alone, as long as a descriptor of it does.</summary>
    /// <param name="name">For /proc; zero-terminated.</param>
    public static int MemoryFile(ReadOnlySpan<byte> name)
    {
        fixed (byte* n = name)
            return Result(memfd_create(n, MFD_CLOEXEC));
    }

    /// <summary>A non-blocking pipe.</summary>
    public static int Pipe(out int readEnd, out int writeEnd)
    {
        int* pair = stackalloc int[2];
        int result = Result(pipe2(pair, O_CLOEXEC | O_NONBLOCK));
        (readEnd, writeEnd) = result < 0 ? (-1, -1) : (pair[0], pair[1]);
        return result;
    }

    /// <summary>Asks for a pipe of <paramref name="bytes"/>; returns what it holds now.</summary>
    public static int SetPipeSize(int pipe, int bytes) => Result(fcntl(pipe, F_SETPIPE_SZ, bytes));

    /// <summary>Moves at most <paramref name="length"/> bytes between a pipe and a socket without copying them here.</summary>
    public static nint Splice(int from, int to, int length)
    {
        nint result;
        do
            result = Result(splice(from, null, to, null, (nuint)length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
        while (result == -(nint)(int)Errno.EINTR);
        return result;
    }
}
