using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges;

/// <summary>The settings and the state of one bridge, for its parts. Any thread may call, except for <see cref="JoinAddress"/>.</summary>
internal interface IBridgeContext
{
    /// <summary>The settings now; a reload may replace them.</summary>
    BridgeSettings Settings { get; }

    BridgeCounters Counters { get; }

    /// <summary>Where the outer half connects to the UNIX socket. An inner half of this process is reached through its open file, not by
    /// its path: a process that may write to the directory could otherwise put its own socket in between. On the home loop.</summary>
    SockAddr JoinAddress { get; }

    /// <summary>Why no client's own address may be used in a namespace, if <c>SourceAddress</c> is <c>client</c>; null if it may.</summary>
    StateReason? SourceTrouble(ulong cookie);

    /// <summary>Logs a new state.</summary>
    void OnStateChanged();

    /// <summary>A socket shows a namespace in another state than the one last seen: probes all namespaces now.</summary>
    void ProbeNamespaces();

    /// <summary>The listeners' namespace has gone: ends those TCP clients of the inner half whose sockets belong to it.</summary>
    void AbortClientsIn(ulong cookie);

    /// <summary>Whether bytes cross the join within this process, so that a client needs two pairs of descriptors.</summary>
    static bool RelaysWithin(BridgeSettings settings) => settings is { Join: JoinMode.Relay, Namespace: not null, Listen.Count: > 0 };
}

/// <summary>Receives the events of a bridge's connections; counts and logs them. Any thread may call.</summary>
internal interface IConnectionEvents
{
    /// <summary>A target was reached.</summary>
    void OnConnected(long microseconds);

    /// <summary>A client's target could not be reached.</summary>
    void OnFailed(PeerAddress peer, string reason);

    /// <summary>An admitted client has gone; called once for each.</summary>
    /// <param name="peer">The client.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="toTarget">Bytes that the target has taken.</param>
    /// <param name="toClient">Bytes that the client has taken.</param>
    /// <param name="age">Milliseconds since it came.</param>
    void OnEnded(PeerAddress peer, RelayOutcome outcome, long toTarget, long toClient, long age);

    /// <summary>A socket of an ended connection stays open until its peer has taken everything (true), or is closed now (false).</summary>
    void OnClosing(bool begins);

    /// <summary>A probe has asked the target.</summary>
    /// <param name="state">What it found.</param>
    /// <param name="reason">Why the target does not answer, in words; empty if it does.</param>
    void OnTarget(TargetState state, string reason);

    /// <summary>Datagrams were dropped.</summary>
    void OnDropped(string reason);

    /// <summary>So many connections were ended because their namespace has gone.</summary>
    void OnNamespaceEnded(int connections);
}
