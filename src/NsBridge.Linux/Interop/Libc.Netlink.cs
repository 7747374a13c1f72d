namespace NsBridge.Linux.Interop;

/// <summary>Requests to the kernel by messages on a socket: netlink(7).</summary>
public static unsafe partial class Libc
{
    public const int AF_NETLINK = 16;
    public const int SOCK_RAW = 3;
    public const int NETLINK_SOCK_DIAG = 4;

    internal const ushort NLMSG_ERROR = 2;
    internal const ushort NLMSG_DONE = 3;
    internal const ushort NLM_F_REQUEST = 0x001;
    internal const ushort NLM_F_ACK = 0x004;
    internal const ushort NLM_F_DUMP = 0x300;
    internal const ushort SOCK_DIAG_BY_FAMILY = 20;

    /// <summary>Bits of idiag_states, by the numbers of net/tcp_states.h: TCP_CLOSE is also every unconnected UDP socket.</summary>
    internal const uint TCPF_CLOSE = 1 << 7;

    internal const uint TCPF_LISTEN = 1 << 10;
    internal const ushort INET_DIAG_SKV6ONLY = 11;
    internal const uint UDIAG_SHOW_NAME = 1;
    internal const ushort UNIX_DIAG_NAME = 0;
}
