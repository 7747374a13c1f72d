using NsBridge.Linux.Interop;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Connecting;

/// <summary>Reports a connector's clients to the operator.</summary>
internal static class ConnectorReports
{
    /// <summary>Relays that are reported in one turn of the loop: far below a millisecond.</summary>
    private const int RelaysPerTurn = 1000;

    /// <summary>The clients that the connector's owner counts. Any thread may call.</summary>
    public static async Task<IReadOnlyList<ConnectionReport>> OfAsync(Connector connector)
    {
        var reports = new List<ConnectionReport>();
        Relay[] relays = await connector.Loop.InvokeAsync(() =>
        {
            reports.AddRange(connector.Attempts().Select(waiting => Of(waiting.Attempt, waiting.Place)));
            return connector.Relays.All();
        });
        foreach (Relay[] some in relays.Chunk(RelaysPerTurn))
            await connector.Loop.InvokeAsync(() => reports.AddRange(some.Select(relay => relay.Status).OfType<RelayStatus>().Select(Of)));
        reports.RemoveAll(report => report.Origin.Number == AcceptedClient.CountedByOuterHalf);
        return reports;
    }

    private static ConnectionReport Of(ConnectAttempt attempt, int place)
    {
        ConnectionState state = place > 0 ? ConnectionState.Parked : ConnectionState.Connecting;
        var report = new ConnectionReport(attempt.Origin, state, place, attempt.Age, attempt.Age, 0, 0);
        return WithProcess(report, attempt.Accepted.Kind, attempt.Accepted.Client);
    }

    private static ConnectionReport Of(RelayStatus relay)
    {
        ConnectionState state = relay.FinsReceived switch
        {
            0 => ConnectionState.Open,
            1 => ConnectionState.HalfClosed,
            _ => ConnectionState.Closing,
        };
        var report = new ConnectionReport(relay.Origin, state, 0, relay.Age, relay.Idle, relay.BytesToTarget, relay.BytesToClient);
        return WithProcess(report, relay.ClientKind, relay.Client);
    }

    private static ConnectionReport WithProcess(ConnectionReport report, SocketKind kind, int client) =>
        kind != SocketKind.Tcp && Libc.PeerCredentials(client, out int process, out uint user) >= 0
            ? report with { Process = process, User = user }
            : report;
}
