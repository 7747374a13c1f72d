namespace NsBridge.Relaying.Tcp;

/// <summary>The two sockets a relay begins with.</summary>
/// <param name="Client">The client's socket.</param>
/// <param name="Target">The target's socket, connected.</param>
/// <param name="ClientKind">What the client's socket is.</param>
/// <param name="TargetKind">What the target's socket is.</param>
/// <param name="ClientEvents">The events the client's socket has shown so far: edges do not come twice.</param>
/// <param name="TargetEvents">The same of the target's socket.</param>
/// <param name="Watched">Whether the loop watches both; else neither.</param>
public readonly record struct RelaySockets(
    int Client, int Target, SocketKind ClientKind, SocketKind TargetKind, uint ClientEvents, uint TargetEvents, bool Watched = true);
