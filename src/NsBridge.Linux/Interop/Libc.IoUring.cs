using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>io_uring(7), which the C library has no functions for.</summary>
public static unsafe partial class Libc
{
    private const int SYS_io_uring_setup = 425;
    private const int SYS_io_uring_enter = 426;
    private const int SYS_io_uring_register = 427;

    internal const uint IORING_SETUP_CQSIZE = 1 << 3;
    internal const uint IORING_SETUP_SUBMIT_ALL = 1 << 7;
    internal const uint IORING_SETUP_SINGLE_ISSUER = 1 << 12;
    internal const uint IORING_SETUP_DEFER_TASKRUN = 1 << 13;
    internal const uint IORING_FEAT_SINGLE_MMAP = 1 << 0;
    internal const uint IORING_FEAT_NODROP = 1 << 1;
    internal const uint IORING_FEAT_EXT_ARG = 1 << 8;
    internal const long IORING_OFF_SQ_RING = 0;
    internal const long IORING_OFF_SQES = 0x10000000;
    private const uint IORING_ENTER_GETEVENTS = 1 << 0;
    private const uint IORING_ENTER_EXT_ARG = 1 << 3;
    internal const uint IORING_REGISTER_PBUF_RING = 22;

    internal const byte IORING_OP_POLL_ADD = 6;
    internal const byte IORING_OP_ASYNC_CANCEL = 14;
    internal const byte IORING_OP_SEND = 26;
    internal const byte IORING_OP_RECV = 27;
    internal const byte IOSQE_BUFFER_SELECT = 1 << 5;
    internal const byte IOSQE_CQE_SKIP_SUCCESS = 1 << 6;
    internal const ushort IORING_RECV_MULTISHOT = 1 << 1;
    internal const uint IORING_CQE_F_BUFFER = 1 << 0;
    internal const uint IORING_CQE_F_MORE = 1 << 1;
    internal const int IORING_CQE_BUFFER_SHIFT = 16;

    [LibraryImport(Library, EntryPoint = "syscall"), SuppressGCTransition]
    private static partial nint syscall_now(nint number, nint a, nint b, nint c, nint d, void* e, nuint f);
    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint syscall_waiting(nint number, nint a, nint b, nint c, nint d, void* e, nuint f);

    /// <summary>A new ring; its parameters come back filled in.</summary>
    internal static int IoUringSetup(uint entries, ref IoUringParameters parameters)
    {
        fixed (IoUringParameters* p = &parameters)
            return (int)Result(syscall_now(SYS_io_uring_setup, (nint)entries, (nint)p, 0, 0, null, 0));
    }

    /// <summary>Registers something for the ring's use.</summary>
    internal static int IoUringRegister(int ring, uint what, void* argument, uint count) =>
        (int)Result(syscall_now(SYS_io_uring_register, ring, (nint)what, (nint)argument, (nint)count, null, 0));

    /// <summary>Submits requests, runs completions, and waits for them.</summary>
    /// <param name="ring">The ring's descriptor.</param>
    /// <param name="submit">How many requests the submission queue holds.</param>
    /// <param name="waitFor">How many completions to wait for; 0 does not wait.</param>
    /// <param name="milliseconds">How long at most; -1: without limit.</param>
    /// <returns>How many requests were taken, or a negated error; -ETIME after that time and -EINTR after a signal are no faults.</returns>
    internal static int IoUringEnter(int ring, uint submit, uint waitFor, int milliseconds)
    {
        if (waitFor == 0)
            return (int)Result(syscall_now(SYS_io_uring_enter, ring, (nint)submit, 0, (nint)IORING_ENTER_GETEVENTS, null, 0));
        KernelTimespec time = new() { Seconds = milliseconds / 1000, Nanoseconds = milliseconds % 1000 * 1_000_000L };
        IoUringWaitArgument argument = new() { Timeout = milliseconds < 0 ? 0 : (ulong)&time };
        const uint Flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
        nuint size = (nuint)sizeof(IoUringWaitArgument);
        nint result = syscall_waiting(SYS_io_uring_enter, ring, (nint)submit, (nint)waitFor, (nint)Flags, &argument, size);
        return result < 0 ? -Marshal.GetLastPInvokeError() : (int)result;
    }
}
