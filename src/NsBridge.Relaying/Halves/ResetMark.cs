using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Halves;

/// <summary>
/// A reset on a UNIX socket, which knows none: one urgent byte (MSG_OOB, Linux 5.15 and later) before the close. It is not part of
/// the stream, so a program that does not know it sees the end of the stream, which is all a UNIX socket could tell it.
/// </summary>
public static class ResetMark
{
    private const byte Mark = 0x52;

    public static void Send(int descriptor)
    {
        if (Libc.ErrorOf(Libc.Send(descriptor, [Mark], Libc.MSG_OOB)) != Errno.EAGAIN)
            return;
        // The other half has stalled and the socket is full of bytes: without the mark they would pass for a whole stream. The kernel
        // cuts the wish down to twice net.core.wmem_max, which is twice what a socket begins with.
        Libc.SetOption(descriptor, Libc.SOL_SOCKET, Libc.SO_SNDBUF, int.MaxValue);
        Libc.Send(descriptor, [Mark], Libc.MSG_OOB);
    }

    internal static bool IsOn(int descriptor)
    {
        Span<byte> mark = stackalloc byte[1];
        return Libc.Receive(descriptor, mark, Libc.MSG_OOB) == 1;
    }
}
