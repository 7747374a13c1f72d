using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Tcp;

/// <summary>What a relay needs to know of a socket's kind.</summary>
public enum SocketKind : byte
{
    /// <summary>A TCP connection.</summary>
    Tcp,

    /// <summary>A UNIX stream socket of an unknown program.</summary>
    Unix,

    /// <summary>A UNIX stream socket whose other end is a half of a bridge: it understands <see cref="ResetMark"/>.</summary>
    UnixHalf,
}

/// <summary>The two sockets a relay begins with.</summary>
/// <param name="Client">The client's socket.</param>
/// <param name="Target">The target's socket, connected.</param>
/// <param name="ClientKind">The kind of the client's socket.</param>
/// <param name="TargetKind">The kind of the target's socket.</param>
/// <param name="ClientEvents">The events of the client's socket so far: edges do not come twice.</param>
/// <param name="TargetEvents">The events of the target's socket so far.</param>
/// <param name="Watched">Whether the loop watches both sockets; else it watches neither.</param>
public readonly record struct RelaySockets(
    int Client, int Target, SocketKind ClientKind, SocketKind TargetKind, uint ClientEvents, uint TargetEvents, bool Watched = true);

/// <summary>Closes a socket, relayed or not, with a reset.</summary>
public static class SocketReset
{
    /// <summary>Closes the socket so that its peer sees a reset, as far as the socket's kind has one.</summary>
    public static void Close(int descriptor, SocketKind kind)
    {
        if (kind == SocketKind.UnixHalf)
            ResetMark.Send(descriptor);
        Libc.CloseWithReset(descriptor);
    }
}

/// <summary>One socket of a relay and its state as of the events so far.</summary>
internal struct RelaySocket
{
    internal int Descriptor;

    internal SocketKind Kind;

    /// <summary>A read may return something.</summary>
    internal bool Readable;

    /// <summary>A write may be taken.</summary>
    internal bool Writable;

    /// <summary>A read that fills less than its buffer does not prove that the socket is empty: a FIN, an error or urgent data came, or
    /// records cut a read short.</summary>
    internal bool ShortReadProvesNothing;

    /// <summary>The socket has an error, which the kernel may have reported already.</summary>
    internal bool Failed;

    /// <summary>The other half of the bridge has closed its end, or its process is gone.</summary>
    internal bool HalfHasClosed;

    /// <summary>The FIN was sent to the peer.</summary>
    internal bool FinSent;

    internal void Begin(int descriptor, SocketKind kind, uint events)
    {
        Descriptor = descriptor;
        Kind = kind;
        Readable = false;
        // Assumed: a write that is not taken costs one call, but waiting for the event would cost every connection a wait.
        Writable = true;
        // A message that carried descriptors ends a read of a UNIX socket early.
        ShortReadProvesNothing = kind != SocketKind.Tcp;
        Failed = HalfHasClosed = FinSent = false;
        Note(events);
    }

    /// <summary>Updates the state by EPOLL… bits.</summary>
    internal void Note(uint events)
    {
        if ((events & (Libc.EPOLLIN | Libc.EPOLLRDHUP | Libc.EPOLLHUP | Libc.EPOLLERR)) != 0)
            Readable = true;
        if ((events & (Libc.EPOLLRDHUP | Libc.EPOLLHUP | Libc.EPOLLERR | Libc.EPOLLPRI)) != 0)
            ShortReadProvesNothing = true;
        if ((events & (Libc.EPOLLOUT | Libc.EPOLLHUP | Libc.EPOLLERR)) != 0)
            Writable = true;
        if ((events & Libc.EPOLLERR) != 0)
            Failed = true;
        if ((events & Libc.EPOLLHUP) != 0 && Kind == SocketKind.UnixHalf)
            HalfHasClosed = true;
    }

    /// <summary>After the FIN of the other half: checks whether it has closed as well, which no event may have shown yet.</summary>
    internal void CheckHalfHasClosed()
    {
        if (Kind == SocketKind.UnixHalf)
            Note(Libc.Ready(Descriptor, Libc.EPOLLRDHUP) & Libc.EPOLLHUP);
    }

    /// <summary>Reads: bytes, 0 at the end, or a negated error.</summary>
    internal readonly nint Receive(Block block)
    {
        if (Kind == SocketKind.UnixHalf)
        {
            // A read that begins at the reset mark drops it and goes on to the end of the stream; a peek leaves it in place.
            // The mark comes before the end, so at the end it is there or never was.
            nint ahead = Libc.Receive(Descriptor, block.Address, 1, Libc.MSG_PEEK);
            if (ahead <= 0)
                return ahead == 0 && ResetMark.IsOn(Descriptor) ? -(nint)(int)Errno.ECONNRESET : ahead;
        }
        return Libc.Receive(Descriptor, block.Address, block.Size);
    }

    internal void SendFin()
    {
        FinSent = true;
        Libc.Shutdown(Descriptor, Libc.SHUT_WR);
    }

    /// <summary>Bytes that the peer has not acknowledged, a FIN included.</summary>
    internal readonly int UnackedBytes => Descriptor < 0 ? 0 : Libc.UnackedBytes(Descriptor);

    /// <summary>Closes the socket so that the peer sees a reset, as far as the socket's kind has one.</summary>
    internal void Reset()
    {
        if (Descriptor < 0)
            return;
        SocketReset.Close(Descriptor, Kind);
        Descriptor = -1;
    }

    internal void Close()
    {
        Libc.Close(Descriptor);
        Descriptor = -1;
    }
}
