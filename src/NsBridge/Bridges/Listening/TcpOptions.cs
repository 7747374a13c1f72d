using NsBridge.Linux.Interop;

namespace NsBridge.Bridges.Listening;

/// <summary>The options of both legs of a TCP bridge. What a listener has, the connections it accepts inherit.</summary>
internal static class TcpOptions
{
    private const int Probes = 4;

    /// <summary>All of them, for a listener.</summary>
    /// <param name="socket">The listener.</param>
    /// <param name="address">Where it listens.</param>
    /// <param name="keepAlive">The bridge's <c>KeepAlive</c>.</param>
    public static void ForListener(int socket, in SockAddr address, TimeSpan keepAlive)
    {
        SendAtOnce(socket, address);
        // A listener may have it from an earlier configuration.
        if (keepAlive <= TimeSpan.Zero)
            Libc.SetOption(socket, Libc.SOL_SOCKET, Libc.SO_KEEPALIVE, 0);
        KeepAlive(socket, keepAlive);
    }

    /// <summary>
    /// Small messages pass at once; a relay has nothing to gain from waiting for more. Neither has a leg over loopback from a congestion control
    /// that paces, as BBR does where a machine has it for its network: measured, a bulk stream is 1.6 times as fast without.
    /// </summary>
    /// <param name="socket">The socket.</param>
    /// <param name="address">The address it listens on or is to connect to.</param>
    public static void SendAtOnce(int socket, in SockAddr address)
    {
        Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
        if (address.IsLoopback)
            Libc.SetCongestionControl(socket, "reno"u8);
    }

    /// <summary>Lets a peer that has died be noticed; nothing where <paramref name="keepAlive"/> is zero.</summary>
    /// <remarks>
    /// Probes are for a leg without bytes under way; with them the kernel gives up by itself (tcp_retries2). No TCP_USER_TIMEOUT: it counts the time that a
    /// window is closed too, and so resets a reader that pauses.
    /// </remarks>
    public static void KeepAlive(int socket, TimeSpan keepAlive)
    {
        if (keepAlive <= TimeSpan.Zero)
            return;
        int seconds = (int)Math.Max(1, keepAlive.TotalSeconds);
        Libc.SetOption(socket, Libc.SOL_SOCKET, Libc.SO_KEEPALIVE, 1);
        Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_KEEPIDLE, seconds);
        Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_KEEPINTVL, Math.Max(1, seconds / Probes));
        Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_KEEPCNT, Probes);
    }
}
