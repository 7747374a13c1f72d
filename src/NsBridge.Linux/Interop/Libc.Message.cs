using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>Messages that carry descriptors: sendmsg(2) and recvmsg(2) with SCM_RIGHTS, see unix(7).</summary>
public static unsafe partial class Libc
{
    /// <summary>How many descriptors one message may carry (SCM_MAX_FD of the kernel).</summary>
    public const int DescriptorsPerMessage = 253;

    private const int SCM_RIGHTS = 1;
    private const int ControlHeader = 16;
    private const int ControlCapacity = ControlHeader + (DescriptorsPerMessage + 1) * sizeof(int);

    /// <summary>struct msghdr of a 64-bit kernel.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public Vector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Vector
    {
        public void* Base;
        public nuint Length;
    }

    /// <summary>struct cmsghdr of a 64-bit kernel.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct ControlMessage
    {
        public nuint Length;
        public int Level;
        public int Type;
    }

    [LibraryImport(Library), SuppressGCTransition]
    private static partial nint sendmsg(int descriptor, MessageHeader* message, int flags);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial nint recvmsg(int descriptor, MessageHeader* message, int flags);

    /// <summary>Sends bytes and, with them, descriptors (at most <see cref="DescriptorsPerMessage"/>; the caller keeps its own).</summary>
    /// <returns>Bytes sent, or a negated error.</returns>
    [SkipLocalsInit]
    public static nint SendDescriptors(int descriptor, ReadOnlySpan<byte> data, ReadOnlySpan<int> descriptors)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Length, DescriptorsPerMessage);
        byte* control = stackalloc byte[ControlCapacity];
        fixed (byte* d = data)
        {
            var vector = new Vector { Base = d, Length = (nuint)data.Length };
            var message = new MessageHeader { Vectors = &vector, VectorCount = 1 };
            if (!descriptors.IsEmpty)
            {
                int size = descriptors.Length * sizeof(int);
                *(ControlMessage*)control = new ControlMessage
                {
                    Length = (nuint)(ControlHeader + size),
                    Level = SOL_SOCKET,
                    Type = SCM_RIGHTS,
                };
                descriptors.CopyTo(new Span<int>(control + ControlHeader, descriptors.Length));
                message.Control = control;
                message.ControlLength = (nuint)(ControlHeader + ((size + 7) & ~7));
            }
            nint result;
            do
                result = Result(sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
            while (result == -(nint)(int)Errno.EINTR);
            return result;
        }
    }

    /// <summary>Receives bytes and the descriptors that came with them; each of these belongs to the caller.</summary>
    /// <param name="descriptor">A UNIX socket.</param>
    /// <param name="data">Room for the bytes.</param>
    /// <param name="descriptors">Room for <see cref="DescriptorsPerMessage"/> descriptors.</param>
    /// <param name="count">How many descriptors came.</param>
    /// <param name="truncated">Whether some were lost for want of descriptors in this process.</param>
    /// <returns>Bytes, 0 at the end, or a negated error.</returns>
    [SkipLocalsInit]
    public static nint ReceiveDescriptors(int descriptor, Span<byte> data, Span<int> descriptors, out int count, out bool truncated)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(descriptors.Length, DescriptorsPerMessage);
        byte* control = stackalloc byte[ControlCapacity];
        count = 0;
        truncated = false;
        fixed (byte* d = data)
        {
            var vector = new Vector { Base = d, Length = (nuint)data.Length };
            var message = new MessageHeader { Vectors = &vector, VectorCount = 1 };
            nint result;
            do
            {
                message.Control = control;
                message.ControlLength = ControlCapacity;
                result = Result(recvmsg(descriptor, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
            }
            while (result == -(nint)(int)Errno.EINTR);
            if (result < 0)
                return result;
            truncated = (message.Flags & MSG_CTRUNC) != 0;
            byte* end = control + message.ControlLength;
            for (byte* at = control; at + ControlHeader <= end;)
            {
                ControlMessage head = *(ControlMessage*)at;
                if (head.Length < ControlHeader)
                    break;
                if (head.Level == SOL_SOCKET && head.Type == SCM_RIGHTS)
                {
                    int came = ((int)head.Length - ControlHeader) / sizeof(int);
                    new ReadOnlySpan<int>(at + ControlHeader, came).CopyTo(descriptors[count..]);
                    count += came;
                }
                at += ((int)head.Length + 7) & ~7;
            }
            return result;
        }
    }
}
