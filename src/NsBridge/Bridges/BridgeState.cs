namespace NsBridge.Bridges;

/// <summary>How a bridge is, as an operator sees it.</summary>
internal enum BridgeState
{
    /// <summary>Its listener is bound and its namespace can be entered.</summary>
    Up,

    /// <summary>Something it needs is not there yet; it serves as soon as that appears.</summary>
    Waiting,

    /// <summary>It cannot serve until somebody mends something.</summary>
    Failed,

    /// <summary>The configuration switches it off.</summary>
    Disabled,
}
