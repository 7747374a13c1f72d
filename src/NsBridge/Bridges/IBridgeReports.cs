namespace NsBridge.Bridges;

/// <summary>What the bridges tell about themselves.</summary>
internal interface IBridgeReports
{
    /// <summary>Every configured bridge, in the order of the configuration. Called from any thread, and must not wait for one.</summary>
    IReadOnlyList<BridgeReport> Snapshot();
}
