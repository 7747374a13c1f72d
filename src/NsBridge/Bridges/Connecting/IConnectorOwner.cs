using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Connecting;

/// <summary>Who is told what became of the clients of a connector. Called on the connector's loop.</summary>
internal interface IConnectorOwner
{
    /// <summary>A target was reached, after <paramref name="microseconds"/>.</summary>
    void OnConnected(long microseconds);

    /// <summary>A client's target could not be reached, for <paramref name="reason"/>, which came from <paramref name="error"/>; the client is about to be reset.</summary>
    void OnUnreachable(PeerAddress peer, string reason, Errno error);

    /// <summary>A client has gone and its descriptors are closed. Told once for each that was taken over.</summary>
    void OnEnded(PeerAddress peer, ulong number, RelayOutcome outcome, long toTarget, long toClient);

    /// <summary>A connection is about to end of which a socket stays open, until its peer has taken everything or its namespace goes; told again when it is closed.</summary>
    void OnClosing(bool begins);

    /// <summary>The namespace was found in another state than the one last seen.</summary>
    void OnPlaceMoved();
}
