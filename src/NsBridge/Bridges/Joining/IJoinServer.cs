using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Joining;

/// <summary>Who is behind a bridge's UNIX socket.</summary>
internal interface IJoinServer
{
    /// <summary>Somebody came. On the listener's loop.</summary>
    /// <param name="descriptor">The connection; belongs to the callee.</param>
    /// <param name="name">What the other end says it is.</param>
    void OnAccepted(int descriptor, JoinPeerName name);
}
