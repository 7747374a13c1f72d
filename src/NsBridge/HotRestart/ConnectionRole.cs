namespace NsBridge.HotRestart;

/// <summary>Which part of its bridge had a connection. The numbers are written into the parcel: they stay as they are.</summary>
internal enum ConnectionRole : byte
{
    /// <summary>A client that was let in and waits to be passed to the inner half.</summary>
    Outer = 1,

    /// <summary>A client of the inner half, or of an outer half that handed it over: the inner half counts it.</summary>
    Inner = 2,

    /// <summary>The inner leg of a connection whose outer leg, of the same process, is counted.</summary>
    InnerLeg = 3,

    /// <summary>A relay between a client and the bridge's UNIX socket.</summary>
    OuterLeg = 4,
}
