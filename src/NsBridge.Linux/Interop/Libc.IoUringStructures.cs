using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>The structures that programs and io_uring(7) share.</summary>
public static partial class Libc
{
    /// <summary>struct io_uring_sqe of linux/io_uring.h: a request.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    internal struct IoUringRequest
    {
        [FieldOffset(0)] public byte Operation;
        [FieldOffset(1)] public byte Flags;
        [FieldOffset(2)] public ushort Priority;
        [FieldOffset(4)] public int Descriptor;
        [FieldOffset(16)] public ulong Address;
        [FieldOffset(24)] public uint Length;
        /// <summary>Flags of the operation: of a message, or the events of a poll.</summary>
        [FieldOffset(28)] public uint OperationFlags;
        [FieldOffset(32)] public ulong UserData;
        [FieldOffset(40)] public ushort BufferGroup;
    }

    /// <summary>struct io_uring_params of linux/io_uring.h, with the offsets of the two queues.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 120)]
    internal struct IoUringParameters
    {
        [FieldOffset(0)] public uint SubmissionEntries;
        [FieldOffset(4)] public uint CompletionEntries;
        [FieldOffset(8)] public uint Flags;
        [FieldOffset(20)] public uint Features;
        [FieldOffset(40)] public uint SubmissionHead;
        [FieldOffset(44)] public uint SubmissionTail;
        [FieldOffset(48)] public uint SubmissionMask;
        [FieldOffset(64)] public uint SubmissionArray;
        [FieldOffset(80)] public uint CompletionHead;
        [FieldOffset(84)] public uint CompletionTail;
        [FieldOffset(88)] public uint CompletionMask;
        [FieldOffset(100)] public uint Completions;
    }

    /// <summary>struct io_uring_buf of linux/io_uring.h: an entry of a ring of provided buffers.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct IoUringBuffer
    {
        public ulong Address;
        public uint Length;
        public ushort Id;

        /// <summary>In the first entry: the ring's tail.</summary>
        public ushort Tail;
    }

    /// <summary>struct io_uring_buf_reg of linux/io_uring.h: registers a ring of provided buffers.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 40)]
    internal struct IoUringBufferRegistration
    {
        [FieldOffset(0)] public ulong RingAddress;
        [FieldOffset(8)] public uint RingEntries;
        [FieldOffset(12)] public ushort BufferGroup;
    }

    /// <summary>struct io_uring_getevents_arg of linux/io_uring.h: how to wait.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 24)]
    internal struct IoUringWaitArgument
    {
        /// <summary>Address of a <see cref="KernelTimespec"/>, or 0.</summary>
        [FieldOffset(16)] public ulong Timeout;
    }

    /// <summary>struct __kernel_timespec of linux/time_types.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct KernelTimespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
