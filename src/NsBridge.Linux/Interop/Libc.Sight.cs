using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>
/// The calling thread's rights over files, and looking under another root. The C library's own calls would change every thread, or do not
/// exist.
/// </summary>
public static unsafe partial class Libc
{
    private const int SYS_openat2 = 437;
    private const int SYS_faccessat2 = 439;
    private const ulong RESOLVE_IN_ROOT = 0x10;
    private const int AT_EACCESS = 0x200;
    private const int W_OK = 2;
    private const int MostGroups = 65536;

    private static int SYS_setgroups => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 116 : 159;

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int setfsuid(uint user);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int setfsgid(uint group);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int getgroups(int size, uint* groups);

    /// <summary>
    /// Sets whose rights over files this thread has; those of CAP_DAC_OVERRIDE and the like go with user 0 and come back with it.
    /// </summary>
    /// <returns>Whose it had.</returns>
    internal static uint SetFileUser(uint user) => (uint)setfsuid(user);

    /// <summary>The same of the group.</summary>
    internal static uint SetFileGroup(uint group) => (uint)setfsgid(group);

    /// <summary>The further groups of this thread.</summary>
    internal static uint[] Groups()
    {
        uint[] groups = new uint[MostGroups];
        fixed (uint* g = groups)
            return groups[..Math.Max(0, getgroups(groups.Length, g))];
    }

    internal static int SetGroups(ReadOnlySpan<uint> groups)
    {
        fixed (uint* g = groups)
            return (int)Result(syscall(SYS_setgroups, groups.Length, (nint)g));
    }

    /// <summary>
    /// Opens what <paramref name="path"/> (zero-terminated) leads to with O_PATH, links and all, were <paramref name="root"/> the root of
    /// the file system.
    /// </summary>
    internal static int OpenBelow(int root, ReadOnlySpan<byte> path)
    {
        ulong* how = stackalloc ulong[3] { O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT };
        fixed (byte* p = path)
            return (int)Result(syscall_now(SYS_openat2, root, (nint)p, (nint)how, 3 * sizeof(ulong), null, 0));
    }

    /// <summary>
    /// Whether this thread may write to an open file, whatever it was opened for: connect(2) to a UNIX socket asks for that.
    /// </summary>
    internal static int MayWrite(int descriptor)
    {
        byte empty = 0;
        return (int)Result(syscall_now(SYS_faccessat2, descriptor, (nint)(&empty), W_OK, AT_EACCESS | AT_EMPTY_PATH, null, 0));
    }
}
