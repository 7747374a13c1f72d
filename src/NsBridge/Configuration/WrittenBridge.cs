namespace NsBridge.Configuration;

/// <summary>A bridge and the bound key it was read from (<c>NsBridge:Bridges:0</c>).</summary>
internal sealed record WrittenBridge(string Key, BridgeSettings Settings);
