using NsBridge.Configuration.Values;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges;

/// <summary>The state of a bridge, for the operator.</summary>
internal enum BridgeState
{
    /// <summary>The listener is bound and the namespace can be entered.</summary>
    Up,

    /// <summary>The bridge serves as soon as something it needs appears.</summary>
    Waiting,

    /// <summary>The bridge cannot serve until an operator removes the cause.</summary>
    Failed,

    /// <summary>The configuration switches the bridge off.</summary>
    Disabled,
}

/// <summary>What the last probe of a target found.</summary>
internal enum TargetState
{
    /// <summary>The target is not probed, or its namespace cannot be entered.</summary>
    Unknown,

    Answers,

    Refuses,

    /// <summary>No answer came in time, or there is no way to the target.</summary>
    Silent,
}

/// <summary>The reports of all bridges.</summary>
internal interface IBridgeReports
{
    /// <summary>Every configured bridge, in the order of the configuration. Any thread may call; never blocks.</summary>
    IReadOnlyList<BridgeReport> Snapshot();
}

/// <summary>One bridge at one moment: its state, and its counters since the daemon started.</summary>
internal sealed record BridgeReport
{
    public required string Name { get; init; }

    public required BridgeState State { get; init; }

    /// <summary>Why the bridge is in that state, in words; may be empty.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The same for programs.</summary>
    public ReasonCode ReasonCode { get; init; }

    /// <summary>The namespace as the operator named it; null for an outer half alone.</summary>
    public string? NamespaceReference { get; init; }

    /// <summary>SO_NETNS_COOKIE of the namespace; 0 if unknown.</summary>
    public ulong NamespaceCookie { get; init; }

    /// <summary>The entries of <c>Listen</c> as written, or the addresses of the sockets that systemd passed; empty for an inner half
    /// alone.</summary>
    public IReadOnlyList<string> Listen { get; init; } = [];

    /// <summary>The namespace of <see cref="Listen"/> as configured; null for an inner half alone.</summary>
    public string? ListenNamespace { get; init; }

    /// <summary>Whether systemd passed the sockets of <see cref="Listen"/>.</summary>
    public bool IsHandedOver { get; init; }

    /// <summary>The full path of the bridge's UNIX socket; null for none.</summary>
    public string? Socket { get; init; }

    /// <summary>The target as written; null for an outer half alone.</summary>
    public string? Target { get; init; }

    public TargetState TargetState { get; init; }

    public BridgeProtocol Protocol { get; init; }

    /// <summary>Connections open now.</summary>
    public long Active { get; init; }

    /// <summary>Clients among them that wait for a missing target.</summary>
    public long Parked { get; init; }

    /// <summary>Clients that have gone, by <see cref="EndReason"/>.</summary>
    public IReadOnlyList<long> Ended { get; init; } = [];

    /// <summary>All clients: served, refused, failed and active.</summary>
    public long Total { get; init; }

    /// <summary>Clients closed before a connect to the target: a limit, or an address that is not admitted.</summary>
    public long Refused { get; init; }

    /// <summary>Clients whose target could not be reached.</summary>
    public long Failed { get; init; }

    /// <summary>Null if the last client reached the target.</summary>
    public ClientFailure? LastFailure { get; init; }

    public long BytesToTarget { get; init; }

    public long BytesToClient { get; init; }

    /// <summary>Connects to the target by duration: one count for each of <see cref="ConnectBuckets.UpperBounds"/> (not cumulative), and a
    /// last one for all that took longer.</summary>
    public IReadOnlyList<long> ConnectBuckets { get; init; } = [];

    /// <summary>The sum of their durations.</summary>
    public double ConnectSecondsSum { get; init; }
}
