using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>Processes, users and limits.</summary>
public static unsafe partial class Libc
{
    private const int RLIMIT_NOFILE = 7;
    private const nint SYS_pidfd_open = 434;

    [LibraryImport(Library), SuppressGCTransition]
    private static partial uint geteuid();

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int getrlimit(int resource, ulong* limit);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial nint syscall(nint number, nint first, nint second);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int kill(int process, int signal);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int poll(PollEntry* entries, nuint count, int timeout);

    /// <summary>struct pollfd of poll.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }

    public static uint EffectiveUser() => geteuid();

    /// <summary>How many descriptors this process may have open (the soft limit).</summary>
    public static int DescriptorLimit()
    {
        ulong* limit = stackalloc ulong[2];
        return getrlimit(RLIMIT_NOFILE, limit) == 0 && limit[0] < int.MaxValue ? (int)limit[0] : int.MaxValue;
    }

    /// <summary>A descriptor that stands for this very process: never for a later one with the same number.</summary>
    public static int PidFdOpen(int process) => (int)Result(syscall(SYS_pidfd_open, process, 0));

    /// <summary>Whether the process of a pidfd has ended, reaped or not: a pidfd is readable from then on.</summary>
    public static bool HasEnded(int pidFd) => Ready(pidFd, EPOLLIN) != 0;

    /// <summary>Which of these events a descriptor shows now: EPOLL… bits, errors and hang-ups unasked.</summary>
    public static uint Ready(int descriptor, uint events)
    {
        PollEntry entry = new() { Descriptor = descriptor, Events = (short)events };
        int result;
        // A signal interrupts even a look that does not wait, where it finds nothing.
        do
            result = Result(poll(&entry, 1, 0));
        while (result == -(int)Errno.EINTR);
        return result > 0 ? (ushort)entry.Happened : 0u;
    }

    /// <summary>Sends a signal to a process.</summary>
    public static int Kill(int process, int signal) => Result(kill(process, signal));
}
