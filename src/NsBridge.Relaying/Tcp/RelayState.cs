using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Tcp;

/// <summary>One direction of a suspended relay.</summary>
/// <param name="Pending">Bytes that were read and that the sink has not taken.</param>
/// <param name="FinReceived">The source's last byte was read: the FIN follows the pending bytes.</param>
/// <param name="Closed">The FIN was passed on: nothing moves any more.</param>
public readonly record struct DirectionState(byte[] Pending, bool FinReceived, bool Closed)
{
    /// <summary>An open direction without pending bytes.</summary>
    public static DirectionState Open { get; } = new([], false, false);
}

/// <summary>A suspended relay, with all that another process needs to resume it.</summary>
public sealed record RelayState
{
    /// <summary>The client's socket.</summary>
    public required int Client { get; init; }

    /// <summary>The target's socket.</summary>
    public required int Target { get; init; }

    public required SocketKind ClientKind { get; init; }

    public required SocketKind TargetKind { get; init; }

    /// <summary>An error was seen on the client's socket, which may not report it a second time.</summary>
    public bool ClientFailed { get; init; }

    /// <summary>An error was seen on the target's socket.</summary>
    public bool TargetFailed { get; init; }

    public required PeerAddress Peer { get; init; }

    /// <summary>The network namespace of the target's socket.</summary>
    public required ulong Cookie { get; init; }

    /// <summary>The owner's number of the connection.</summary>
    public ulong ConnectionId { get; init; }

    public DirectionState ToTarget { get; init; } = DirectionState.Open;

    public DirectionState ToClient { get; init; } = DirectionState.Open;

    /// <summary>Bytes that the target's socket has taken so far.</summary>
    public long BytesToTarget { get; init; }

    /// <summary>Bytes that the client's socket has taken so far.</summary>
    public long BytesToClient { get; init; }

    /// <summary>The relay is older than <see cref="RelayGroup.KeepAliveDelayMilliseconds"/>.</summary>
    public bool Settled { get; init; }

    /// <summary>Milliseconds since the last byte either way.</summary>
    public long Idle { get; init; }

    /// <summary>Milliseconds since the client came.</summary>
    public long Age { get; init; }

    /// <summary>The listener's position in the range of ports.</summary>
    public int Offset { get; init; }
}

/// <summary>A running relay, for its owner's reports.</summary>
public readonly struct RelayStatus
{
    internal RelayStatus(
        in ConnectionOrigin origin, in RelaySocket client, in RelayDirection toTarget, in RelayDirection toClient, long age, long idle)
    {
        (Origin, Age, Idle) = (origin, age, idle);
        (Client, ClientKind) = (client.Descriptor, client.Kind);
        (BytesToTarget, BytesToClient) = (toTarget.Bytes, toClient.Bytes);
        FinsReceived = (toTarget.FinReceived ? 1 : 0) + (toClient.FinReceived ? 1 : 0);
    }

    public ConnectionOrigin Origin { get; }

    /// <summary>The client's socket.</summary>
    public int Client { get; }

    public SocketKind ClientKind { get; }

    /// <summary>How many of the two ends have sent their last byte.</summary>
    public int FinsReceived { get; }

    /// <summary>Milliseconds since the client came.</summary>
    public long Age { get; }

    /// <summary>Milliseconds since the last byte either way.</summary>
    public long Idle { get; }

    public long BytesToTarget { get; }

    public long BytesToClient { get; }
}
