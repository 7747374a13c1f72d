using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>Options and state of sockets.</summary>
public static unsafe partial class Libc
{
    public const int SOL_SOCKET = 1;
    public const int SO_REUSEADDR = 2;
    public const int SO_TYPE = 3;
    public const int SO_ERROR = 4;
    public const int SO_KEEPALIVE = 9;
    public const int SO_OOBINLINE = 10;
    private const int SO_LINGER = 13;
    private const int SO_PEERCRED = 17;
    public const int SO_ACCEPTCONN = 30;
    public const int SO_PROTOCOL = 38;
    public const int SO_DOMAIN = 39;
    private const int SO_COOKIE = 57;
    private const int SO_NETNS_COOKIE = 71;

    public const int IPV6_V6ONLY = 26;
    public const int TCP_NODELAY = 1;
    public const int TCP_KEEPIDLE = 4;
    public const int TCP_KEEPINTVL = 5;
    public const int TCP_KEEPCNT = 6;
    public const int TCP_QUICKACK = 12;
    public const int TCP_CONGESTION = 13;
    public const int TCP_USER_TIMEOUT = 18;
    public const int TCP_RTO_MAX_MS = 44;

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int getsockopt(int descriptor, int level, int option, void* value, uint* length);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int setsockopt(int descriptor, int level, int option, void* value, uint length);

    public static int SetOption(int descriptor, int level, int option, int value) =>
        Result(setsockopt(descriptor, level, option, &value, sizeof(int)));

    /// <summary>Chooses the congestion control of a TCP socket, and of what it accepts, by its name.</summary>
    public static int SetCongestionControl(int descriptor, ReadOnlySpan<byte> name)
    {
        fixed (byte* n = name)
            return Result(setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, n, (uint)name.Length));
    }

    public static int GetOption(int descriptor, int level, int option, out int value)
    {
        int read = 0;
        uint length = sizeof(int);
        int result = Result(getsockopt(descriptor, level, option, &read, &length));
        value = read;
        return result;
    }

    /// <summary>The pending error of a socket, which this clears.</summary>
    public static Errno PendingError(int descriptor)
    {
        int result = GetOption(descriptor, SOL_SOCKET, SO_ERROR, out int error);
        return (Errno)(result < 0 ? -result : error);
    }

    /// <summary>The number of the network namespace a socket belongs to; never used again for another while the machine runs
    /// (SO_NETNS_COOKIE, Linux 5.14). 0 if the kernel has none.</summary>
    public static ulong NetworkNamespaceCookie(int descriptor) => Cookie(descriptor, SO_NETNS_COOKIE);

    /// <summary>The number of a socket; never used again until the machine restarts. 0 if the kernel has none.</summary>
    public static ulong SocketCookie(int descriptor) => Cookie(descriptor, SO_COOKIE);

    private static ulong Cookie(int descriptor, int option)
    {
        ulong cookie = 0;
        uint length = sizeof(ulong);
        return getsockopt(descriptor, SOL_SOCKET, option, &cookie, &length) == 0 ? cookie : 0;
    }

    /// <summary>The process and user of the other end of a UNIX socket, as seen from the caller's user namespace.</summary>
    public static int PeerCredentials(int descriptor, out int process, out uint user)
    {
        int* credentials = stackalloc int[3];
        uint length = 3 * sizeof(int);
        int result = Result(getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, credentials, &length));
        (process, user) = result < 0 ? (0, uint.MaxValue) : (credentials[0], (uint)credentials[1]);
        return result;
    }

    /// <summary>Closes a socket so that a TCP peer sees a reset at once, and nothing of it stays behind in the kernel.</summary>
    public static void CloseWithReset(int descriptor)
    {
        if (descriptor < 0)
            return;
        ResetAtClose(descriptor, true);
        _ = close(descriptor);
    }

    /// <summary>Whether the last close of a TCP socket, by a process or by the kernel, is a reset.</summary>
    public static void ResetAtClose(int descriptor, bool isWanted)
    {
        int* linger = stackalloc int[2] { isWanted ? 1 : 0, 0 };
        _ = setsockopt(descriptor, SOL_SOCKET, SO_LINGER, linger, 2 * sizeof(int));
    }

    public const int TCP_FIN_WAIT1 = 4;
    public const int TCP_LAST_ACK = 9;
    public const int TCP_CLOSING = 11;
    private const int TCP_INFO = 11;
    private const int SO_MEMINFO = 55;
    private const int SK_MEMINFO_WMEM_ALLOC = 2;
    private const int SK_MEMINFO_WMEM_QUEUED = 5;

    // Positions in struct tcp_info of linux/tcp.h.
    private const int RetransmitsAt = 2;
    private const int ProbesAt = 3;
    private const int UnackedAt = 24;
    private const int LastAckReceivedAt = 56;
    private const int BytesAckedAt = 120;
    private const int NotSentBytesAt = 144;
    private const int BytesSentAt = 200;
    private const int BytesRetransmittedAt = 208;
    private const int SizeOfTcpInfo = 216;

    /// <summary>Bytes written to a TCP socket that its peer has not acknowledged, a FIN being one; of a UNIX socket, the memory of what
    /// its peer has not read. 0 if the kernel does not know. SIOCOUTQ gives the same, but by ioctl(2), which the packaged unit
    /// forbids.</summary>
    /// <remarks>Exact but for one byte: bytes_acked counts the SYN of a socket that connected, bytes_sent counts no FIN. So one is added,
    /// and at least one byte is reported while a segment is in flight. SO_MEMINFO is asked first: TCP_INFO locks the socket, and most
    /// sockets have nothing queued.</remarks>
    public static int UnackedBytes(int descriptor)
    {
        uint* memory = stackalloc uint[SK_MEMINFO_WMEM_QUEUED + 1];
        uint memoryLength = (SK_MEMINFO_WMEM_QUEUED + 1) * sizeof(uint);
        if (getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, memory, &memoryLength) < 0)
            return 0;
        int unread = (int)memory[SK_MEMINFO_WMEM_ALLOC];
        if (unread == 0 && memory[SK_MEMINFO_WMEM_QUEUED] == 0)
            return 0;
        byte* info = stackalloc byte[SizeOfTcpInfo];
        uint length = SizeOfTcpInfo;
        if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, info, &length) < 0 || length < SizeOfTcpInfo)
            return unread;
        int segments = *(int*)(info + UnackedAt);
        long inFlight = *(long*)(info + BytesSentAt) - *(long*)(info + BytesRetransmittedAt) - *(long*)(info + BytesAckedAt) + 1;
        return *(int*)(info + NotSentBytesAt) + (segments == 0 ? 0 : (int)Math.Clamp(inFlight, segments, int.MaxValue / 2));
    }

    /// <summary>Milliseconds for which the peer of a TCP socket has acknowledged nothing, if it owes an answer to the last
    /// <paramref name="tries"/> retransmissions or probes of its closed window. Otherwise 0, also for a socket of another kind.</summary>
    public static uint SilentMilliseconds(int descriptor, int tries)
    {
        byte* info = stackalloc byte[LastAckReceivedAt + sizeof(uint)];
        uint length = LastAckReceivedAt + sizeof(uint);
        int result = getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, info, &length);
        return result < 0 || info[RetransmitsAt] + info[ProbesAt] < tries ? 0 : *(uint*)(info + LastAckReceivedAt);
    }

    /// <summary>The state of a TCP socket (TCP_…), or a negated error.</summary>
    public static int TcpState(int descriptor)
    {
        // The first byte of struct tcp_info.
        int result = GetOption(descriptor, IPPROTO_TCP, TCP_INFO, out int first);
        return result < 0 ? result : first & 0xff;
    }

    /// <summary>Connections in the accept queue of a listening TCP socket; a negated error for a socket of another kind.</summary>
    public static int AcceptQueueLength(int listener)
    {
        byte* info = stackalloc byte[UnackedAt + sizeof(int)];
        uint length = UnackedAt + sizeof(int);
        int result = Result(getsockopt(listener, IPPROTO_TCP, TCP_INFO, info, &length));
        return result < 0 ? result : *(int*)(info + UnackedAt);
    }
}
