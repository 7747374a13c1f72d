using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Connecting;

/// <summary>A client that was let in and waits for its target.</summary>
/// <param name="Client">Its socket.</param>
/// <param name="Kind">What the socket is.</param>
/// <param name="Peer">Who it is.</param>
/// <param name="Offset">Its listener's position in the range of ports.</param>
/// <param name="Number">What the relay carries for its owner, given back at the end.</param>
internal readonly record struct AcceptedClient(int Client, SocketKind Kind, PeerAddress Peer, int Offset, ulong Number)
{
    /// <summary>Whether it is a TCP client whose socket belongs to that network namespace.</summary>
    public bool IsIn(ulong cookie) => Kind == SocketKind.Tcp && Libc.NetworkNamespaceCookie(Client) == cookie;

    /// <summary>
    /// Whether there is nobody to wait for. A client that reset is gone. One that has closed its sending side may want its answer all the
    /// same, unless it never said anything; a local client that has closed altogether shows that (EPOLLHUP), and what it said is still the target's. The
    /// other half of the bridge closes only when its client has reset, or both directions are over.
    /// </summary>
    /// <param name="events">What its socket has shown so far: EPOLL… bits.</param>
    public bool HasHungUp(uint events)
    {
        if ((events & Libc.EPOLLERR) != 0 || (Kind != SocketKind.Unix && (events & Libc.EPOLLHUP) != 0))
            return true;
        return (events & (Libc.EPOLLRDHUP | Libc.EPOLLHUP)) != 0 && Peek() == 0;
    }

    /// <summary>Whether it has said something that nobody has read yet. Whoever resets after that has said it all the same.</summary>
    public bool HasUnreadData => Peek() > 0;

    private nint Peek()
    {
        Span<byte> first = stackalloc byte[1];
        return Libc.Receive(Client, first, Libc.MSG_PEEK);
    }

    /// <summary>Closes the client with a reset, as far as its kind has one.</summary>
    public void Reset() => SocketReset.Close(Client, Kind);
}
