using NsBridge.Linux.Interop;
using NsBridge.Relaying;

namespace NsBridge.Bridges;

/// <summary>Closing a socket that was never relayed.</summary>
internal static class SocketReset
{
    /// <summary>Closes the socket so that its peer sees a reset, as far as its kind has one.</summary>
    public static void Close(int descriptor, EndKind kind)
    {
        if (kind == EndKind.UnixHalf)
            ResetMark.Send(descriptor);
        Libc.CloseWithReset(descriptor);
    }
}
