using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.HotRestart;

/// <summary>A descriptor of a parcel that is dropped, or of which no description can be believed.</summary>
internal static class OrphanDescriptor
{
    /// <summary>Closes it. A connection is reset, as far as its kind has that: an end would pass for that of all there was to say.</summary>
    public static void Close(int descriptor)
    {
        if (IsConnection(descriptor))
            SocketReset.Close(descriptor, IsHalf(descriptor) ? SocketKind.UnixHalf : SocketKind.Tcp);
        else
            Libc.Close(descriptor);
    }

    // Never a listener: it may be another's too, and whom it accepts would take the wish for a reset over from it.
    private static bool IsConnection(int descriptor) =>
        Libc.GetOption(descriptor, Libc.SOL_SOCKET, Libc.SO_TYPE, out int type) >= 0 && type == Libc.SOCK_STREAM
        && Libc.GetOption(descriptor, Libc.SOL_SOCKET, Libc.SO_ACCEPTCONN, out int listening) >= 0 && listening == 0;

    private static bool IsHalf(int descriptor) =>
        (Libc.PeerAddress(descriptor, out SockAddr peer) >= 0 && JoinPeerName.Of(peer).IsRelayed)
        || (Libc.LocalAddress(descriptor, out SockAddr own) >= 0 && JoinPeerName.Of(own).IsRelayed);
}
