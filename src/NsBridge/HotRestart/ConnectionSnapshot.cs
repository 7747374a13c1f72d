using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.HotRestart;

/// <summary>A connection on its way from one process to the next.</summary>
/// <param name="Bridge">The name of its bridge.</param>
/// <param name="Role">Which part of the bridge it belongs to.</param>
/// <param name="Relay">The relay at rest; where it has no target yet, <see cref="RelayState.Target"/> is -1 and only the client's part says something.</param>
/// <param name="Offset">The listener's position in the range of ports, for one without a target.</param>
/// <param name="Age">Milliseconds since it was let in, for one without a target.</param>
internal sealed record ConnectionSnapshot(string Bridge, ConnectionRole Role, RelayState Relay, int Offset = 0, long Age = 0)
{
    public const int NoTarget = -1;

    /// <summary>Whether it is being relayed; else its target has yet to be dialled.</summary>
    public bool HasTarget => Relay.Target != NoTarget;

    /// <summary>Whether it is the inner half's.</summary>
    public bool IsInner => Role is ConnectionRole.Inner or ConnectionRole.InnerLeg;

    /// <summary>
    /// From here on whoever closes it without going on with it resets it: a process that dies with it, or a service manager that is not to start another.
    /// </summary>
    public void Depart() => ResetAtClose(true);

    /// <summary>Its end is that of its two sides again.</summary>
    public void Arrive() => ResetAtClose(false);

    private void ResetAtClose(bool isWanted)
    {
        Libc.ResetAtClose(Relay.Client, isWanted);
        if (HasTarget)
            Libc.ResetAtClose(Relay.Target, isWanted);
    }

    /// <summary>Ends it: it fits nowhere any more.</summary>
    public void Reset()
    {
        SocketReset.Close(Relay.Client, Relay.ClientKind);
        if (HasTarget)
            SocketReset.Close(Relay.Target, Relay.TargetKind);
    }

    /// <summary>A client that has no target yet.</summary>
    public static ConnectionSnapshot Waiting(string bridge, ConnectionRole role, int client, SocketKind kind, PeerAddress peer, int offset, long age) =>
        new(bridge, role, new RelayState { Client = client, Target = NoTarget, ClientKind = kind, TargetKind = SocketKind.Tcp, Peer = peer, Cookie = 0 }, offset, age);
}
