using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>Many datagrams a call: recvmmsg(2) and sendmmsg(2), and the options of udp(7), ip(7) and ipv6(7) that they need.</summary>
public static unsafe partial class Libc
{
    public const int SO_SNDBUF = 7;
    public const int SO_RCVBUF = 8;

    /// <summary>Received: the address a datagram was sent to. Sent: the address it leaves from.</summary>
    public const int IP_PKTINFO = 8;

    /// <summary>As <see cref="IP_PKTINFO"/>, for AF_INET6; an IPv4 datagram's address comes IPv4-mapped, as in the header.</summary>
    public const int IPV6_RECVPKTINFO = 49;

    /// <summary>Given with a message: the kernel cuts it into datagrams of this many bytes (Linux 4.18).</summary>
    public const int UDP_SEGMENT = 103;

    /// <summary>Datagrams of one size and sender may come as one message, with that size beside it (Linux 5.0).</summary>
    public const int UDP_GRO = 104;

    internal const int IPV6_PKTINFO = 50;
    internal const int MSG_TRUNC = 0x20;

    /// <summary>struct mmsghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct MultiMessage
    {
        public MessageHeader Header;
        public uint Length;
    }

    // With a transition: 64 datagrams take tens of microseconds, too long for the garbage collector to wait.
    [LibraryImport(Library, SetLastError = true)]
    private static partial int recvmmsg(int descriptor, MultiMessage* messages, uint count, int flags, void* timeout);
    [LibraryImport(Library, SetLastError = true)]
    private static partial int sendmmsg(int descriptor, MultiMessage* messages, uint count, int flags);

    /// <summary>Receives at most <paramref name="count"/> waiting messages: how many, or a negated error.</summary>
    internal static int ReceiveMany(int descriptor, MultiMessage* messages, int count)
    {
        int result;
        do
            result = MultiResult(recvmmsg(descriptor, messages, (uint)count, MSG_DONTWAIT, null));
        while (result == -(int)Errno.EINTR);
        return result;
    }

    /// <summary>Sends messages in their order: how many were taken before one was not, or the negated error of the first.</summary>
    internal static int SendMmsg(int descriptor, MultiMessage* messages, int count)
    {
        int result;
        do
            result = MultiResult(sendmmsg(descriptor, messages, (uint)count, MSG_DONTWAIT | MSG_NOSIGNAL));
        while (result == -(int)Errno.EINTR);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int MultiResult(int result) => result >= 0 ? result : -Marshal.GetLastPInvokeError();
}
