using NsBridge.Linux.Interop;

namespace NsBridge.Bridges.Listening;

/// <summary>The options of UDP sockets, and how to recognize a listener.</summary>
internal static class UdpSocket
{
    /// <summary>Bytes that may wait on a socket, capped by net.core.rmem_max and wmem_max. A small datagram counts for nearly a kilobyte,
    /// so the usual default holds 270 of them: too few for the bursts that arrive while a busy daemon is not scheduled.</summary>
    private const int Buffer = 4 * 1024 * 1024;

    /// <summary>Whether it is a bound UDP socket without a peer.</summary>
    public static bool IsListener(int socket) =>
        Libc.GetOption(socket, Libc.SOL_SOCKET, Libc.SO_PROTOCOL, out int protocol) >= 0 && protocol == Libc.IPPROTO_UDP
        && Libc.LocalAddress(socket, out SockAddr address) >= 0 && address.Family is Libc.AF_INET or Libc.AF_INET6 && address.Port != 0
        && Libc.PeerAddress(socket, out _) < 0;

    public static bool IsSix(int socket) =>
        Libc.GetOption(socket, Libc.SOL_SOCKET, Libc.SO_DOMAIN, out int domain) >= 0 && domain == Libc.AF_INET6;

    /// <summary>Prepares a listener before it is bound: the kernel records a datagram's destination at its arrival, or never.</summary>
    public static void PrepareListener(int socket)
    {
        Prepare(socket);
        // On every listener, not only on wildcard ones: it costs little, and an address may be a broadcast one.
        if (IsSix(socket))
            Libc.SetOption(socket, Libc.IPPROTO_IPV6, Libc.IPV6_RECVPKTINFO, 1);
        // On IPv6 listeners as well: they may receive IPv4.
        Libc.SetOption(socket, Libc.IPPROTO_IP, Libc.IP_PKTINFO, 1);
    }

    /// <summary>Prepares any UDP socket.</summary>
    public static void Prepare(int socket)
    {
        Libc.SetOption(socket, Libc.SOL_SOCKET, Libc.SO_RCVBUF, Buffer);
        Libc.SetOption(socket, Libc.SOL_SOCKET, Libc.SO_SNDBUF, Buffer);
        Libc.SetOption(socket, Libc.IPPROTO_UDP, Libc.UDP_GRO, 1);
    }
}
