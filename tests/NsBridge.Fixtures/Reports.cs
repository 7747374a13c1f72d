using NsBridge.Bridges;
using NsBridge.Configuration.Settings;

namespace NsBridge.Fixtures;

/// <summary>Bridges whose reports a test sets.</summary>
internal sealed class Reports : IBridgeReports, IBridgeConnections
{
    public List<BridgeReport> Now { get; } = [];

    /// <summary>What was asked to end.</summary>
    public List<(string? Bridge, ConnectionFilter Filter)> Ends { get; } = [];

    public IReadOnlyList<BridgeReport> Snapshot() => [.. Now];

    public Task<IReadOnlyList<(BridgeSettings Bridge, IReadOnlyList<ConnectionReport> Connections)>> ConnectionsAsync(string? bridge) =>
        Task.FromResult<IReadOnlyList<(BridgeSettings, IReadOnlyList<ConnectionReport>)>>([]);

    public Task<int> EndAsync(string? bridge, ConnectionFilter filter)
    {
        Ends.Add((bridge, filter));
        return Task.FromResult(Ends.Count);
    }

    public static BridgeReport Web => new()
    {
        Name = "web",
        State = BridgeState.Up,
        NamespaceReference = "vpn",
        NamespaceCookie = 4711,
        Listen = ["0.0.0.0:3003"],
        ListenNamespace = "host",
        Socket = "/run/nsbridge/web.sock",
        Target = "127.0.0.1:3000",
        Active = 3,
        Parked = 1,
        Ended = [100, 7, 3, 5, 0, 0, 0],
        Total = 120,
        Refused = 2,
        Failed = 5,
        LastFailure = new ClientFailure(new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero), "ECONNREFUSED", 14),
        BytesToTarget = 1_500_000,
        BytesToClient = 3L << 30,
        ConnectBuckets = [4, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ConnectSecondsSum = 7.5,
    };
}
