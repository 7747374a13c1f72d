using NsBridge.Linux.Interop;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Listening;

/// <summary>The options of both legs of a TCP bridge. Accepted connections inherit those of their listener.</summary>
internal static class TcpOptions
{
    private const int Probes = 4;

    /// <summary>The kernel's own limit, in seconds.</summary>
    private const int LongestRetransmission = 120;

    /// <summary>Sets all options of a listener.</summary>
    /// <param name="socket">The listener.</param>
    /// <param name="address">Where it listens.</param>
    /// <param name="keepAlive">The bridge's <c>KeepAlive</c>.</param>
    public static void ForListener(int socket, in SockAddr address, TimeSpan keepAlive)
    {
        ForLeg(socket, address);
        // An inherited listener may have it from an earlier configuration.
        if (keepAlive <= TimeSpan.Zero)
            Libc.SetOption(socket, Libc.SOL_SOCKET, Libc.SO_KEEPALIVE, 0);
        KeepAlive(socket, keepAlive);
    }

    /// <summary>Sends small messages at once: a relay gains nothing from waiting for more. An urgent byte stays in its place among the
    /// received bytes. A leg over loopback gets a congestion control that does not pace, unlike BBR on machines that use it for their
    /// network: measured, a bulk stream is 1.6 times as fast.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="address">The address it listens on or is to connect to.</param>
    public static void ForLeg(int socket, in SockAddr address)
    {
        Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
        Libc.SetOption(socket, Libc.SOL_SOCKET, Libc.SO_OOBINLINE, 1);
        if (address.IsLoopback)
            Libc.SetCongestionControl(socket, "reno"u8);
    }

    /// <summary>Detects a dead peer; does nothing if <paramref name="keepAlive"/> is zero.</summary>
    /// <remarks>Probes cover a leg without bytes in flight. For bytes in flight the kernel gives up after some 15 minutes; the relay
    /// resets a silent peer before (<see cref="RelayGroup.KeepAlive"/>), which takes that the kernel tries often enough. No
    /// TCP_USER_TIMEOUT: it also counts the time of a closed window, and so resets a reader that pauses.</remarks>
    public static void KeepAlive(int socket, TimeSpan keepAlive)
    {
        if (keepAlive <= TimeSpan.Zero)
            return;
        int seconds = (int)Math.Max(1, keepAlive.TotalSeconds);
        Libc.SetOption(socket, Libc.SOL_SOCKET, Libc.SO_KEEPALIVE, 1);
        Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_KEEPIDLE, seconds);
        Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_KEEPINTVL, Math.Max(1, seconds / Probes));
        Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_KEEPCNT, Probes);
        if (2 * seconds < LongestRetransmission)
            Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_RTO_MAX_MS, 2000 * seconds);
    }
}
