using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Connecting;

/// <summary>An admitted client without a target.</summary>
/// <remarks>Its socket has one owner at a time: the <c>ClientListener</c> that accepted it (or the <c>InnerHalf</c>, for a client of the
/// UNIX socket); the join from <c>IJoin.Pass</c> on. A <c>HandoffLink</c> owns it until the message is sent, and the
/// <c>HandoffReceiver</c> owns the copy in the message, up to <see cref="Connector.Connect"/>. A <see cref="ConnectAttempt"/> owns it
/// until the target is connected, and then the <see cref="Relay"/>. A <see cref="ConnectionSnapshot"/> owns it on its way to another
/// bridge or process.</remarks>
/// <param name="Client">Its socket.</param>
/// <param name="Kind">The kind of the socket.</param>
/// <param name="Peer">Its address.</param>
/// <param name="Offset">Its listener's position in the range of ports.</param>
/// <param name="Number">Carried by the relay and given back at the end.</param>
internal readonly record struct AcceptedClient(int Client, SocketKind Kind, PeerAddress Peer, int Offset, ulong Number)
{
    /// <summary>The number of a client that the outer half of this process counts.</summary>
    public const ulong CountedByOuterHalf = ulong.MaxValue;

    /// <summary>Whether it is a TCP client whose socket belongs to that network namespace.</summary>
    public bool IsIn(ulong cookie) => Kind == SocketKind.Tcp && Libc.NetworkNamespaceCookie(Client) == cookie;

    /// <summary>Whether the client has hung up. A reset is the end. A client that has closed its sending side may still want its answer,
    /// unless it sent nothing; a local client that has closed altogether shows EPOLLHUP, and what it sent still belongs to the target. The
    /// other half of the bridge closes only after a reset of its client, or when both directions are over.</summary>
    /// <param name="events">The EPOLL… bits of its socket so far.</param>
    public bool HasHungUp(uint events)
    {
        if ((events & Libc.EPOLLERR) != 0 || (Kind != SocketKind.Unix && (events & Libc.EPOLLHUP) != 0))
            return true;
        return (events & (Libc.EPOLLRDHUP | Libc.EPOLLHUP)) != 0 && Peek() == 0;
    }

    /// <summary>Whether it has sent bytes that are still to be read, which a later reset does not take back.</summary>
    public bool HasUnreadData => Peek() > 0;

    private nint Peek()
    {
        Span<byte> first = stackalloc byte[1];
        return Libc.Receive(Client, first, Libc.MSG_PEEK);
    }

    /// <summary>Closes the client with a reset, as far as its kind has one.</summary>
    public void Reset() => SocketReset.Close(Client, Kind);

    /// <summary>Takes a client over that was given away.</summary>
    public static AcceptedClient Of(ConnectionSnapshot carried, ulong number) =>
        new(carried.Relay.Client, carried.Relay.ClientKind, carried.Relay.Peer, carried.Offset, number);

    /// <summary>Gives the client away.</summary>
    /// <param name="bridge">The bridge's name.</param>
    /// <param name="role">Its part in the bridge.</param>
    /// <param name="age">Milliseconds that it has waited.</param>
    public ConnectionSnapshot ToSnapshot(string bridge, ConnectionRole role, long age) =>
        ConnectionSnapshot.Waiting(bridge, role, Client, Kind, Peer, Offset, age);
}
