using System.Globalization;
using System.Text.Json;
using NsBridge.Base;
using NsBridge.Commands.Status;
using NsBridge.Control;

namespace NsBridge.Commands.Connections;

/// <summary>The options of <c>nsbridge connections</c>.</summary>
internal sealed record ConnectionsOptions(string? Bridge, bool Json, string? ConfigFile);

/// <summary><c>nsbridge connections</c>: who is connected, since when, and how much it moves.</summary>
internal static class ConnectionsCommand
{
    /// <summary>Long enough for a rate that means something, short enough not to be noticed.</summary>
    private static readonly TimeSpan s_rateSpan = TimeSpan.FromMilliseconds(400);

    private static readonly Column[] s_columns =
    [
        new("ID", 0, true), new("BRIDGE", 3), new("CLIENT", 0), new("TARGET", 4), new("STATE", 1), new("AGE", 5, true),
        new("IDLE", 8, true), new("IN", 6, true), new("OUT", 6, true), new("IN/s", 2, true), new("OUT/s", 2, true),
    ];

    public static async Task<int> RunAsync(ConnectionsOptions options, CancellationToken stop)
    {
        string path = ControlPath.Find(options.ConfigFile).Socket;
        (ConnectionsDocument before, long began) = await AskAsync(path, options.Bridge, stop);
        if (options.Bridge is { } name && before.Bridges.Count == 0)
            throw new UserErrorException($"the daemon has no bridge '{name}'; 'nsbridge status' lists its bridges", ExitCode.Usage);
        ConnectionsDocument now = before;
        if (before.Connections.Count > 0)
        {
            await Task.Delay(s_rateSpan, stop);
            (now, long ended) = await AskAsync(path, options.Bridge, stop);
            now = WithRates(now, before, TimeProvider.System.GetElapsedTime(began, ended).TotalSeconds);
        }
        await StandardStreams.Terminal.WriteLineAsync(options.Json
            ? JsonSerializer.Serialize(now, StatusJson.Readable.ConnectionsDocument)
            : string.Join(Environment.NewLine, Lines(now, Screen.Width)));
        return ExitCode.Success;
    }

    private static async Task<(ConnectionsDocument Document, long Time)> AskAsync(string path, string? bridge, CancellationToken stop)
    {
        byte[] answer = await ControlClient.AskAsync(path, bridge is null ? "connections" : $"connections {bridge}", stop);
        return (ControlClient.Read(answer, StatusJson.Default.ConnectionsDocument), TimeProvider.System.GetTimestamp());
    }

    /// <summary>Adds the rates, and puts what moves most in front.</summary>
    private static ConnectionsDocument WithRates(ConnectionsDocument now, ConnectionsDocument before, double seconds)
    {
        Dictionary<ulong, ByteCounts> bytes = now.Pid == before.Pid
            ? before.Connections.ToDictionary(connection => connection.Id, connection => connection.Bytes)
            : [];
        IEnumerable<ConnectionStatus> rated = now.Connections.Select(connection => bytes.TryGetValue(connection.Id, out ByteCounts? earlier)
            ? connection with { Rate = Rate(connection.Bytes, earlier) }
            : connection);
        return now with
        {
            Connections = [.. rated.OrderByDescending(connection => (connection.Rate?.ToTarget ?? 0) + (connection.Rate?.ToClient ?? 0))
                .ThenBy(connection => connection.IdleSeconds)],
        };

        ByteCounts Rate(ByteCounts later, ByteCounts earlier) =>
            new((long)((later.ToTarget - earlier.ToTarget) / seconds), (long)((later.ToClient - earlier.ToClient) / seconds));
    }

    /// <summary>The table, without line feeds.</summary>
    internal static IEnumerable<string> Lines(ConnectionsDocument document, int width)
    {
        if (document.Connections.Count == 0)
            return ["no connections"];
        string[][] rows = [.. document.Connections.Select(Cells)];
        var table = new TextTable(s_columns, rows, width);
        return [table.Heads, .. rows.Select(row => table.Row(row))];
    }

    private static string[] Cells(ConnectionStatus connection) =>
    [
        .. new[]
        {
            connection.Id.ToString(CultureInfo.InvariantCulture),
            connection.Protocol == "udp" ? $"{connection.Bridge} (udp)" : connection.Bridge,
            connection.Pid is { } pid
                ? string.Create(CultureInfo.InvariantCulture, $"pid {pid} (user {connection.User})") : connection.Client,
            connection.Target,
            connection.Place is { } place ? string.Create(CultureInfo.InvariantCulture, $"{connection.State} {place}") : connection.State,
            Amount.OfTime(TimeSpan.FromSeconds(connection.AgeSeconds)),
            Amount.OfTime(TimeSpan.FromSeconds(connection.IdleSeconds)),
            Amount.OfBytes(connection.Bytes.ToTarget),
            Amount.OfBytes(connection.Bytes.ToClient),
            connection.Rate is { } rate ? Amount.OfBytes(rate.ToTarget) : "",
            connection.Rate is { } back ? Amount.OfBytes(back.ToClient) : "",
        }.Select(PlainText.Line),
    ];
}
