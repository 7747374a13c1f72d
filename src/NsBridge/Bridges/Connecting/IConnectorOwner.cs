using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Connecting;

/// <summary>Receives what becomes of a connector's clients. Called on the connector's loop.</summary>
internal interface IConnectorOwner
{
    /// <summary>A target was reached, after <paramref name="microseconds"/>.</summary>
    void OnConnected(long microseconds);

    /// <summary>A client's target could not be reached; the client is about to be reset.</summary>
    void OnUnreachable(PeerAddress peer, string reason, Errno error);

    /// <summary>A client has gone and its descriptors are closed. Called once for each that was taken over.</summary>
    void OnEnded(in ConnectionOrigin origin, RelayOutcome outcome, long toTarget, long toClient);

    /// <inheritdoc cref="IConnectionEvents.OnClosing"/>
    void OnClosing(bool begins);

    /// <summary>Why no client's own address may be used in a namespace; null if it may.</summary>
    StateReason? SourceTrouble(ulong cookie);

    /// <summary>A socket shows the namespace in another state than the one last seen.</summary>
    void OnNamespaceMoved();
}
