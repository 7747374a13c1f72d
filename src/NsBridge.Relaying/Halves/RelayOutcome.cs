using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Halves;

/// <summary>The first reason for which a relay or a flow ended.</summary>
public enum EndReason
{
    /// <summary>Both sides closed in good order.</summary>
    Closed,

    /// <summary>The client reset the connection, or its leg failed.</summary>
    ClientReset,

    /// <summary>The target reset the connection, or its leg failed.</summary>
    TargetReset,

    /// <summary>The target was not reached, for a reason that is reported by itself.</summary>
    Unreachable,

    /// <summary>No byte passed for the idle timeout.</summary>
    Idle,

    /// <summary>The bridge ended it.</summary>
    Aborted,

    /// <summary>Another flow took its place.</summary>
    Displaced,
}

/// <summary>How a relay or a flow ended, and its error if there was one.</summary>
public readonly record struct RelayOutcome(EndReason Ending, Errno Error = Errno.None);
