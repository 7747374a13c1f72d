using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.HotRestart;

/// <summary>What a process leaves to the one that takes its place.</summary>
/// <param name="Listeners">Its listening sockets.</param>
/// <param name="Connections">Its live connections.</param>
internal sealed record RestartSnapshot(IReadOnlyList<ListenerSnapshot> Listeners, IReadOnlyList<ConnectionSnapshot> Connections)
{
    public static RestartSnapshot Empty { get; } = new([], []);

    /// <summary>Every descriptor in it, in the order of the format.</summary>
    public IEnumerable<int> Descriptors() =>
        Listeners.Select(listener => listener.Descriptor).Concat(Connections.SelectMany(connection => connection.HasTarget
            ? (IEnumerable<int>)[connection.Relay.Client, connection.Relay.Target]
            : [connection.Relay.Client]));
}

/// <summary>A listening socket on its way to the next owner. Its address is the socket's own.</summary>
/// <param name="Descriptor">The socket.</param>
/// <param name="Path">The path of a UNIX socket; empty for other sockets.</param>
/// <param name="File">The inode of the socket file: whether the file at the path is still the socket's; 0 for other sockets.</param>
internal readonly record struct ListenerSnapshot(int Descriptor, string Path, ulong File)
{
    public static ListenerSnapshot Internet(int descriptor) => new(descriptor, "", 0);
}

/// <summary>The part of a bridge that had a connection. The numbers are part of the format and never change.</summary>
internal enum ConnectionRole : byte
{
    /// <summary>An admitted client that is to be passed to the inner half.</summary>
    Outer = 1,

    /// <summary>A client of the inner half, or of an outer half that handed it over: the inner half counts it.</summary>
    Inner = 2,

    /// <summary>The inner leg of a connection whose outer leg, of the same process, is counted.</summary>
    InnerLeg = 3,

    /// <summary>A relay between a client and the bridge's UNIX socket.</summary>
    OuterLeg = 4,
}

/// <summary>A suspended connection on its way to the next owner.</summary>
/// <param name="Bridge">The name of its bridge.</param>
/// <param name="Role">The part of the bridge it belongs to.</param>
/// <param name="Relay">The suspended relay; without a target, its target is -1 and only the client's part is valid.</param>
/// <param name="Offset">The listener's position in the range of ports.</param>
/// <param name="Age">Milliseconds since the client came.</param>
internal sealed record ConnectionSnapshot(string Bridge, ConnectionRole Role, RelayState Relay, int Offset = 0, long Age = 0)
{
    public const int NoTarget = -1;

    /// <summary>Whether it is being relayed; else its target is still to be dialled.</summary>
    public bool HasTarget => Relay.Target != NoTarget;

    /// <summary>Whether it is the inner half's.</summary>
    public bool IsInner => Role is ConnectionRole.Inner or ConnectionRole.InnerLeg;

    /// <summary>From here on a close resets it: a next process that dies, or never starts, must not look like a regular end.</summary>
    public void Depart() => ResetAtClose(true);

    /// <summary>Undoes <see cref="Depart"/>.</summary>
    public void Arrive() => ResetAtClose(false);

    private void ResetAtClose(bool isWanted)
    {
        Libc.ResetAtClose(Relay.Client, isWanted);
        if (HasTarget)
            Libc.ResetAtClose(Relay.Target, isWanted);
    }

    /// <summary>Closes it with a reset: no bridge can go on with it.</summary>
    public void Reset()
    {
        SocketReset.Close(Relay.Client, Relay.ClientKind);
        if (HasTarget)
            SocketReset.Close(Relay.Target, Relay.TargetKind);
    }

    /// <summary>A client without a target.</summary>
    public static ConnectionSnapshot Waiting(
        string bridge, ConnectionRole role, int client, SocketKind kind, PeerAddress peer, int offset, long age)
    {
        var relay = new RelayState
        {
            Client = client,
            Target = NoTarget,
            ClientKind = kind,
            TargetKind = SocketKind.Tcp,
            Peer = peer,
            Cookie = 0,
        };
        return new ConnectionSnapshot(bridge, role, relay, offset, age);
    }
}
