namespace NsBridge.Bridges;

/// <summary>Why a bridge cannot serve: what failed, on what, why, and the cure. Shown as the bridge's reason.</summary>
internal sealed class BridgeSetupException(string message) : Exception(message)
{
    /// <summary>Whether a privilege is missing for it.</summary>
    public bool LacksPrivilege { get; init; }
}
