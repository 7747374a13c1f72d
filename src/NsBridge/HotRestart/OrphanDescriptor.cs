using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.HotRestart;

/// <summary>A descriptor of a snapshot that is dropped, or that could not be read.</summary>
internal static class OrphanDescriptor
{
    /// <summary>Closes it. A connection is reset if its kind has resets: its peer must not take the close for the regular end.</summary>
    public static void Close(int descriptor)
    {
        if (IsConnection(descriptor))
            SocketReset.Close(descriptor, IsHalf(descriptor) ? SocketKind.UnixHalf : SocketKind.Tcp);
        else
            Libc.Close(descriptor);
    }

    /// <summary>Whether it is a stream socket that does not listen: what a shared listener accepts would inherit the reset at
    /// close.</summary>
    public static bool IsConnection(int descriptor) =>
        Libc.GetOption(descriptor, Libc.SOL_SOCKET, Libc.SO_TYPE, out int type) >= 0 && type == Libc.SOCK_STREAM
        && Libc.GetOption(descriptor, Libc.SOL_SOCKET, Libc.SO_ACCEPTCONN, out int listening) >= 0 && listening == 0;

    private static bool IsHalf(int descriptor) =>
        (Libc.PeerAddress(descriptor, out SockAddr peer) >= 0 && JoinPeerName.Of(peer).Kind == JoinKind.Relay)
        || (Libc.LocalAddress(descriptor, out SockAddr own) >= 0 && JoinPeerName.Of(own).Kind == JoinKind.Relay);
}
