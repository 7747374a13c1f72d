namespace NsBridge.Configuration;

/// <summary>A bridge and the keys it was read from.</summary>
internal sealed record WrittenBridge(BridgeKeys Keys, BridgeSettings Settings);
