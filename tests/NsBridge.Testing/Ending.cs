namespace NsBridge.Testing;

/// <summary>How the far end of a connection ended it.</summary>
public enum Ending
{
    /// <summary>End of stream after the last byte.</summary>
    Closed,

    /// <summary>A reset.</summary>
    Reset,
}
