using NsBridge.Configuration.Settings;

namespace NsBridge.Configuration.Reading;

/// <summary>A bridge and the keys it was read from.</summary>
internal sealed record WrittenBridge(BridgeKeys Keys, BridgeSettings Settings);
