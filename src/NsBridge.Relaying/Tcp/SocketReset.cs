using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Tcp;

/// <summary>Closing a socket, relayed or not, other than in good order.</summary>
public static class SocketReset
{
    /// <summary>Closes the socket so that its peer sees a reset, as far as its kind has one.</summary>
    public static void Close(int descriptor, SocketKind kind)
    {
        if (kind == SocketKind.UnixHalf)
            ResetMark.Send(descriptor);
        Libc.CloseWithReset(descriptor);
    }
}
