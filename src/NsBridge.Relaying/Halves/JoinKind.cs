namespace NsBridge.Relaying.Halves;

/// <summary>What connects to a bridge's UNIX socket.</summary>
public enum JoinKind
{
    /// <summary>A local program that uses the socket as if it were the target.</summary>
    LocalClient,

    /// <summary>An outer half that relays the bytes of one connection.</summary>
    Relay,

    /// <summary>The outer half of the same bridge in the same process, which has admitted its client and counts it.</summary>
    OwnRelay,

    /// <summary>An outer half that hands accepted connections over.</summary>
    Handoff,

    /// <summary>An outer half that hands its UDP listeners over.</summary>
    Datagrams,
}
