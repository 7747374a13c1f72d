namespace NsBridge.Bridges;

/// <summary>Why a bridge cannot serve: what failed, on what, why, and the cure. Shown as the bridge's reason.</summary>
internal sealed class BridgeSetupException(ReasonCode code, string message) : Exception(message)
{
    public StateReason Reason => new(code, Message);

    public BridgeSetupException(StateReason reason) : this(reason.Code, reason.Text)
    {
    }

    /// <summary>Whether a privilege is missing for it.</summary>
    public bool LacksPrivilege => code is ReasonCode.ListenerForbidden or ReasonCode.SocketForbidden or ReasonCode.SocketGroupForbidden;
}
