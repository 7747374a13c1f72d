using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Listening;

/// <summary>Finds out whether a process listens on a UNIX socket. Connects under the name of an outer half and passes nothing: an inner
/// half dials no target and counts no client for it. Another program sees a connection that ends at once.</summary>
internal static class SocketProbe
{
    /// <param name="server">The address.</param>
    /// <param name="process">The process that listens, if one does.</param>
    /// <returns>0 or more if a process listens, or a negated error.</returns>
    public static int Ask(in SockAddr server, out int process)
    {
        process = 0;
        int probe = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_STREAM);
        if (probe < 0)
            return probe;
        int result = Libc.Bind(probe, new JoinPeerName(JoinKind.Handoff, 0).ToAddress(server));
        if (result >= 0)
            result = Libc.Connect(probe, server);
        if (result >= 0)
            Libc.PeerCredentials(probe, out process, out _);
        Libc.Close(probe);
        return result;
    }
}
