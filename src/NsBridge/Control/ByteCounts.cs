namespace NsBridge.Control;

/// <summary>The bytes of a bridge in <see cref="BridgeStatus"/>, since the daemon started.</summary>
internal sealed record ByteCounts(long ToTarget, long ToClient);
