using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>What the calling thread has taken of a processor: clock_gettime(2) and getrusage(2).</summary>
public static unsafe partial class Libc
{
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
}
