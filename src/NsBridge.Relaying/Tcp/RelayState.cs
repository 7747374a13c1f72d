using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Tcp;

/// <summary>A relay at rest, with all that another process needs to go on with it.</summary>
public sealed record RelayState
{
    /// <summary>The client's socket.</summary>
    public required int Client { get; init; }

    /// <summary>The target's socket.</summary>
    public required int Target { get; init; }

    public required SocketKind ClientKind { get; init; }

    public required SocketKind TargetKind { get; init; }

    /// <summary>An error was seen on the client's socket, which may not show it a second time.</summary>
    public bool ClientFailed { get; init; }

    /// <summary>The same of the target's socket.</summary>
    public bool TargetFailed { get; init; }

    public required PeerAddress Peer { get; init; }

    /// <summary>The network namespace of the target's socket.</summary>
    public required ulong Cookie { get; init; }

    /// <summary>What the owner knew the connection by.</summary>
    public ulong ConnectionId { get; init; }

    public DirectionState ToTarget { get; init; } = DirectionState.Open;

    public DirectionState ToClient { get; init; } = DirectionState.Open;

    /// <summary>Bytes that the target's socket has taken so far.</summary>
    public long BytesToTarget { get; init; }

    /// <summary>Bytes that the client's socket has taken so far.</summary>
    public long BytesToClient { get; init; }

    /// <summary>It has lived long enough to have been given what only long connections need.</summary>
    public bool Settled { get; init; }

    /// <summary>Milliseconds since the last byte either way.</summary>
    public long Idle { get; init; }
}
