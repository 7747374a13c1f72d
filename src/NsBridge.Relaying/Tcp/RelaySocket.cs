using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Tcp;

/// <summary>One socket of a relay and what the events so far say of it.</summary>
internal struct RelaySocket
{
    internal int Descriptor;

    internal SocketKind Kind;

    /// <summary>A read may find something.</summary>
    internal bool Readable;

    /// <summary>A write may be taken.</summary>
    internal bool Writable;

    /// <summary>
    /// A read that fills less than its buffer does not prove that nothing is left: the end, an error or urgent data came, or the
    /// socket is one where records cut a read short.
    /// </summary>
    internal bool ShortReadProvesNothing;

    /// <summary>An error waits on the socket.</summary>
    internal bool Failed;

    /// <summary>The other half of the bridge has closed its end, or its process has gone.</summary>
    internal bool HalfHasClosed;

    /// <summary>The peer was told that nothing more comes.</summary>
    internal bool FinSent;

    internal void Begin(int descriptor, SocketKind kind, uint events)
    {
        Descriptor = descriptor;
        Kind = kind;
        Readable = false;
        // Assumed: a write that is not taken tells otherwise at the price of one call, where waiting for the event would cost every connection a wait.
        Writable = true;
        // A message that carried descriptors ends a read of a UNIX socket early.
        ShortReadProvesNothing = kind != SocketKind.Tcp;
        Failed = HalfHasClosed = FinSent = false;
        Note(events);
    }

    /// <summary>Takes in what an event says.</summary>
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

    /// <summary>At the end of what the other half sent: whether it has gone as well, which no event may have told yet.</summary>
    internal void LookWhetherHalfHasClosed()
    {
        if (Kind == SocketKind.UnixHalf)
            Note(Libc.Ready(Descriptor, Libc.EPOLLRDHUP) & Libc.EPOLLHUP);
    }

    /// <summary>Reads what is there: bytes, 0 at the end, or a negated error.</summary>
    internal readonly nint Receive(Block block)
    {
        if (Kind == SocketKind.UnixHalf)
        {
            // A read that begins at the reset mark drops it and goes on to the end of the stream; a look at the next byte leaves it in
            // its place. The mark comes before the end, so at the end it is there or never was.
            nint ahead = Libc.Receive(Descriptor, block.Address, 1, Libc.MSG_PEEK);
            if (ahead <= 0)
                return ahead == 0 && ResetMark.IsOn(Descriptor) ? -(nint)(int)Errno.ECONNRESET : ahead;
        }
        return Libc.Receive(Descriptor, block.Address, block.Size);
    }

    /// <summary>Tells the peer that nothing more comes.</summary>
    internal void SendFin()
    {
        FinSent = true;
        Libc.Shutdown(Descriptor, Libc.SHUT_WR);
    }

    /// <summary>Sends the end on a TCP socket, and tells whether that or bytes before it are not taken by the peer. On this machine a peer takes an end at once.</summary>
    internal bool HasUnackedBytesAfterEnd()
    {
        if (!FinSent)
            SendFin();
        return Libc.UnackedBytes(Descriptor) > 0;
    }

    /// <summary>Closes the socket so that the peer sees a reset, as far as its kind has one.</summary>
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
