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

    /// <summary>The limit of open descriptors (soft).</summary>
    public static int DescriptorLimit()
    {
        ulong* limit = stackalloc ulong[2];
        return getrlimit(RLIMIT_NOFILE, limit) == 0 && limit[0] < int.MaxValue ? (int)limit[0] : int.MaxValue;
    }

    /// <summary>A descriptor of exactly this process, never of a later one with the same number.</summary>
    public static int PidFdOpen(int process) => (int)Result(syscall(SYS_pidfd_open, process, 0));

    /// <summary>Whether the process of a pidfd has ended, reaped or not: a pidfd is readable from then on.</summary>
    public static bool HasEnded(int pidFd) => Ready(pidFd, EPOLLIN) != 0;

    /// <summary>The events that a descriptor shows now: EPOLL… bits, always with errors and hang-ups.</summary>
    public static uint Ready(int descriptor, uint events)
    {
        PollEntry entry = new() { Descriptor = descriptor, Events = (short)events };
        int result;
        // A signal interrupts even a call that does not wait, if there are no events.
        do
            result = Result(poll(&entry, 1, 0));
        while (result == -(int)Errno.EINTR);
        return result > 0 ? (ushort)entry.Happened : 0u;
    }

    [LibraryImport(Library, EntryPoint = "poll")]
    private static partial int poll_long(PollEntry* entries, nuint count, int timeout);

    /// <summary>Blocks the thread until a descriptor shows events.</summary>
    /// <returns>False after so many milliseconds without; -1 waits without end.</returns>
    public static bool Wait(int descriptor, uint events, int milliseconds)
    {
        PollEntry entry = new() { Descriptor = descriptor, Events = (short)events };
        int result;
        do
            result = Result(poll_long(&entry, 1, milliseconds));
        while (result == -(int)Errno.EINTR);
        return result > 0;
    }

    /// <summary>Sends a signal to a process.</summary>
    public static int Kill(int process, int signal) => Result(kill(process, signal));

    private const int CLONE_NEWNET = 0x40000000;

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int setns(int descriptor, int kind);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int unshare(int kinds);

    /// <summary>Moves the calling thread into a new network namespace.</summary>
    internal static int UnshareNetworkNamespace() => Result(unshare(CLONE_NEWNET));

    /// <summary>Moves the calling thread into a network namespace, given by its file or by a process's pidfd.</summary>
    internal static int SetNetworkNamespace(int descriptor) => Result(setns(descriptor, CLONE_NEWNET));

    private const int CLOCK_THREAD_CPUTIME_ID = 3;
    private const int RUSAGE_THREAD = 1;

    /// <summary>struct rusage in longs: two times of two each, and fourteen counts.</summary>
    private const int UsageLongs = 18;

    private const int InvoluntarySwitchesAt = 17;

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int clock_gettime(int clock, KernelTimespec* time);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int getrusage(int who, long* usage);

    /// <summary>Processor time so far, in nanoseconds.</summary>
    public static long ThreadTime()
    {
        KernelTimespec time = default;
        _ = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return time.Seconds * 1_000_000_000 + time.Nanoseconds;
    }

    /// <summary>How often another thread got the processor while this one could have gone on.</summary>
    public static long Preemptions()
    {
        long* usage = stackalloc long[UsageLongs];
        _ = getrusage(RUSAGE_THREAD, usage);
        return usage[InvoluntarySwitchesAt];
    }

    /// <summary>struct group of grp.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Group
    {
        public byte* Name;
        public byte* Password;
        public uint Id;
        public byte** Members;
    }

    /// <summary>Returns the error itself, not negated; errno is not set. ERANGE asks for a larger buffer.</summary>
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int getgrnam_r(string name, Group* entry, byte* buffer, nuint size, Group** found);
}
