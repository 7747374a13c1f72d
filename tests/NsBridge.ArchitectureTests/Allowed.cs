namespace NsBridge.ArchitectureTests;

/// <summary>What the rules forbid and the tree still has. These lists only shrink: a test fails if an entry is no longer needed.</summary>
internal static class Allowed
{
    internal static readonly string[] Edges = [];
    internal static readonly string[] FoldersInCircles =
    [
        "Bridges", "Bridges/Admission", "Bridges/Connecting", "Bridges/Joining", "Bridges/Listening", "Bridges/Tcp", "Bridges/Udp",
        "Namespaces", "Namespaces/Containers", "Namespaces/Units",
    ];
    internal static readonly string[] TypesInLargeCircles =
    [
        "Bridge", "BridgeLog", "ClientListener", "ConnectAttempt", "ConnectAttempts", "Connector", "FlowConnector", "HandoffJoin",
        "HandoffReceiver", "InnerConnections", "InnerHalf", "ListenerReceiver", "OuterHalf", "ParkedClients", "RelayJoin", "UdpInnerHalf",
        "UdpOuterHalf", "BridgeKeys", "BridgeReader", "CrossBridgeRules", "SettingsReader", "WrittenBridge",
    ];
    internal static readonly string[] PartialTypes =
    [
        "NsBridge.Relaying.Tcp.Relay", "NsBridge.Bridges.Bridge", "NsBridge.Bridges.Connecting.Connector",
        "NsBridge.Bridges.Joining.HandoffJoin", "NsBridge.Hosting.BridgeSupervisor",
    ];
    internal static readonly string[] Words = [];

    /// <summary>How many lines of each tree are above the limit at most.</summary>
    internal static readonly Dictionary<string, int> LongLines = new() { ["src"] = 600, ["tests"] = 560 };
}
