using NsBridge.Linux.Interop;

namespace NsBridge.Bridges;

/// <summary>The options of both legs of a TCP bridge. What a listener has, the connections it accepts inherit.</summary>
internal static class TcpOptions
{
    private const int Probes = 4;

    /// <summary>
    /// A peer that takes nothing for this many keepalive times is taken for dead although it may only have stopped reading: the kernel
    /// does not tell the two apart (TCP_USER_TIMEOUT covers a closed window too), so it is long.
    /// </summary>
    private const int UserTimeoutFactor = 10;

    /// <summary>All of them, for a listener.</summary>
    public static void Apply(int socket, TimeSpan keepAlive)
    {
        SendAtOnce(socket);
        // A listener may have had them from an earlier configuration.
        if (keepAlive <= TimeSpan.Zero)
        {
            Libc.SetOption(socket, Libc.SOL_SOCKET, Libc.SO_KEEPALIVE, 0);
            Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_USER_TIMEOUT, 0);
        }
        KeepAlive(socket, keepAlive);
    }

    /// <summary>Small messages pass at once; a relay has nothing to gain from waiting for more.</summary>
    public static void SendAtOnce(int socket) => Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);

    /// <summary>Lets a peer that has died be noticed; nothing where <paramref name="keepAlive"/> is zero.</summary>
    public static void KeepAlive(int socket, TimeSpan keepAlive)
    {
        if (keepAlive <= TimeSpan.Zero)
            return;
        int seconds = (int)Math.Max(1, keepAlive.TotalSeconds);
        Libc.SetOption(socket, Libc.SOL_SOCKET, Libc.SO_KEEPALIVE, 1);
        Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_KEEPIDLE, seconds);
        Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_KEEPINTVL, Math.Max(1, seconds / Probes));
        Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_KEEPCNT, Probes);
        Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_USER_TIMEOUT, (int)Math.Min(int.MaxValue, seconds * 1000L * UserTimeoutFactor));
    }
}
