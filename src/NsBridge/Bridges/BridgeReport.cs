using NsBridge.Configuration.Values;

namespace NsBridge.Bridges;

/// <summary>One bridge at one moment: its state and what it has counted since the daemon started.</summary>
internal sealed record BridgeReport
{
    public required string Name { get; init; }

    public required BridgeState State { get; init; }

    /// <summary>Why it is in that state, in words; empty where the state says it all.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The same for programs.</summary>
    public ReasonCode ReasonCode { get; init; }

    /// <summary>The namespace as the operator named it; null for an outer half alone.</summary>
    public string? NamespaceReference { get; init; }

    /// <summary>SO_NETNS_COOKIE of the namespace; 0 while it is not known.</summary>
    public ulong NamespaceCookie { get; init; }

    /// <summary>The entries of <c>Listen</c> as written, or the addresses of what systemd handed over; empty for an inner half alone.</summary>
    public IReadOnlyList<string> Listen { get; init; } = [];

    /// <summary>Whether <see cref="Listen"/> is what systemd handed over.</summary>
    public bool IsHandedOver { get; init; }

    /// <summary>The full path of the bridge's UNIX socket; null where it has none.</summary>
    public string? Socket { get; init; }

    /// <summary>The target as written; null for an outer half alone.</summary>
    public string? Target { get; init; }

    public BridgeProtocol Protocol { get; init; }

    /// <summary>Connections open now.</summary>
    public long Active { get; init; }

    /// <summary>Every client that came: served, refused, failed and active.</summary>
    public long Total { get; init; }

    /// <summary>Clients closed before anything was dialled: a limit, or an address that is not let in.</summary>
    public long Refused { get; init; }

    /// <summary>Clients whose target could not be reached.</summary>
    public long Failed { get; init; }

    public long BytesToTarget { get; init; }

    public long BytesToClient { get; init; }

    /// <summary>
    /// How many connects to the target took how long: one count for each of <see cref="ConnectBuckets.UpperBounds"/>, each
    /// for its bucket alone, and a last one for all that took longer.
    /// </summary>
    public IReadOnlyList<long> ConnectBuckets { get; init; } = [];

    /// <summary>The time of all these connects together.</summary>
    public double ConnectSecondsSum { get; init; }
}
