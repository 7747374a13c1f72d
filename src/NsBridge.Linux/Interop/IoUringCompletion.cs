using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>struct io_uring_cqe of linux/io_uring.h: what became of a request.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IoUringCompletion
{
    /// <summary>What the request was made with.</summary>
    public ulong UserData;

    /// <summary>As the system call would have returned it, errors negated.</summary>
    public int Result;

    internal uint Flags;

    /// <summary>Whether the request goes on and completes again.</summary>
    public readonly bool HasMore => (Flags & Libc.IORING_CQE_F_MORE) != 0;

    /// <summary>Whether a provided buffer was used.</summary>
    public readonly bool HasBuffer => (Flags & Libc.IORING_CQE_F_BUFFER) != 0;

    /// <summary>Which buffer.</summary>
    public readonly ushort Buffer => (ushort)(Flags >> Libc.IORING_CQE_BUFFER_SHIFT);
}
