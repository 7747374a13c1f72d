namespace NsBridge.Linux.Interop;

/// <summary>What the kernel tells of a TCP socket: how far its peer has come with what it was sent, and who waits at one that listens.</summary>
public static unsafe partial class Libc
{
    public const int TCP_FIN_WAIT1 = 4;
    public const int TCP_LAST_ACK = 9;
    public const int TCP_CLOSING = 11;
    private const int TCP_INFO = 11;
    private const nuint SIOCOUTQ = 0x5411;

    // In struct tcp_info; of a listening socket, the connections that nobody has accepted yet.
    private const int UnackedAt = 24;

    /// <summary>
    /// Bytes that were written to a TCP socket and that its peer has not acknowledged, an end that was sent being one; of a UNIX socket, the memory that
    /// takes what its peer has not read. 0 where it cannot be told.
    /// </summary>
    public static int UnackedBytes(int descriptor)
    {
        int bytes = 0;
        return ioctl(descriptor, SIOCOUTQ, &bytes) < 0 ? 0 : bytes;
    }

    /// <summary>The state of a TCP socket (TCP_…), or a negated error.</summary>
    public static int TcpState(int descriptor)
    {
        // The first byte of struct tcp_info.
        int result = GetOption(descriptor, IPPROTO_TCP, TCP_INFO, out int first);
        return result < 0 ? result : first & 0xff;
    }

    /// <summary>How many connections wait at a listening TCP socket to be accepted; a negated error for a socket of another kind.</summary>
    public static int Waiting(int listener)
    {
        byte* info = stackalloc byte[UnackedAt + sizeof(int)];
        uint length = UnackedAt + sizeof(int);
        int result = Result(getsockopt(listener, IPPROTO_TCP, TCP_INFO, info, &length));
        return result < 0 ? result : *(int*)(info + UnackedAt);
    }
}
