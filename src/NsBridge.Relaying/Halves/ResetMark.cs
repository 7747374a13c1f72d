using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Halves;

/// <summary>A reset on a UNIX socket, which has none: one urgent byte (MSG_OOB, Linux 5.15 and later) before the close. The byte is not
/// part of the stream, so a program that does not know it sees the end of the stream.</summary>
public static class ResetMark
{
    private const byte Mark = 0x52;

    public static void Send(int descriptor)
    {
        if (Libc.ErrorOf(Libc.Send(descriptor, [Mark], Libc.MSG_OOB)) != Errno.EAGAIN)
            return;
        // The other half has stalled and the socket is full: without the mark its bytes would pass for a complete stream. The kernel
        // limits the buffer to twice net.core.wmem_max, which is twice a socket's initial size.
        Libc.SetOption(descriptor, Libc.SOL_SOCKET, Libc.SO_SNDBUF, int.MaxValue);
        Libc.Send(descriptor, [Mark], Libc.MSG_OOB);
    }

    internal static bool IsOn(int descriptor)
    {
        Span<byte> mark = stackalloc byte[1];
        return Libc.Receive(descriptor, mark, Libc.MSG_OOB) == 1;
    }
}
