namespace NsBridge.Relaying.Tcp;

/// <summary>The first reason a relay ended for.</summary>
public enum EndReason
{
    /// <summary>Both sides closed in good order.</summary>
    Closed,

    /// <summary>The client reset the connection, or its leg failed.</summary>
    ClientReset,

    /// <summary>The target reset the connection, or its leg failed.</summary>
    TargetReset,

    /// <summary>No byte passed for the idle timeout.</summary>
    Idle,

    /// <summary>The bridge ended it.</summary>
    Aborted,

    /// <summary>Another flow needed its place.</summary>
    Displaced,
}
