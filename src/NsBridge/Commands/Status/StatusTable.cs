using System.Globalization;
using NsBridge.Base;
using NsBridge.Commands.Inspection;
using NsBridge.Control;

namespace NsBridge.Commands.Status;

/// <summary>The table of <c>nsbridge status</c>: a line a bridge, and below it what is to be said in words.</summary>
internal sealed class StatusTable(TimeProvider clock, bool colours)
{
    private const string Nothing = "-";
    private const int StateColumn = 1;

    private static readonly Column[] s_columns =
    [
        new("BRIDGE", 0), new("STATE", 0), new("LISTEN", 1), new("NETNS", 2), new("TARGET", 3), new("PROBE", 5),
        new("OPEN", 4, true), new("TOTAL", 7, true), new("IN", 8, true), new("OUT", 8, true), new("IN/s", 5, true), new("OUT/s", 6, true),
    ];

    /// <summary>The lines of the table, without line feeds.</summary>
    /// <param name="now">What is shown.</param>
    /// <param name="earlier">The sample that the rates are reckoned from; null shows none.</param>
    /// <param name="width">Of the terminal, in characters. If columns are left out, the line of heads ends with a sign.</param>
    public List<string> Lines(StatusSample now, StatusSample? earlier, int width = int.MaxValue)
    {
        StatusDocument document = now.Document;
        var lines = new List<string>
        {
            PlainText.Line($"nsbridge {document.Version}, pid {document.Pid.ToString(CultureInfo.InvariantCulture)}: {Summary(document)}"),
        };
        if (document.Bridges.Count == 0)
            return lines;
        lines.Add("");
        string[][] rows = [.. document.Bridges.Select(bridge => Cells(bridge, now.RatesSince(earlier, bridge, clock)))];
        var table = new TextTable(s_columns, rows, width);
        lines.Add(table.Heads);
        foreach ((BridgeStatus bridge, string[] row) in document.Bridges.Zip(rows))
        {
            lines.Add(table.Row(row, (column, cell) => column == StateColumn ? Coloured(cell, bridge.State) : cell));
            string[] words = [bridge.Reason, Failing(bridge.LastFailure), LostClients(bridge.Connections)];
            foreach (string line in words.Where(line => line.Length > 0))
                lines.Add(new string(' ', table.Indent) + PlainText.Line(line));
        }
        return lines;
    }

    private static string Summary(StatusDocument document)
    {
        if (document.Bridges.Count == 0)
            return "no bridges";
        // What is wrong comes last, where the eye ends.
        string[] order = ["up", "disabled", "waiting", "failed"];
        IEnumerable<string> states = document.Bridges.CountBy(bridge => bridge.State).OrderBy(state => Array.IndexOf(order, state.Key))
            .Select(state => $"{state.Value} {state.Key}");
        return $"{(document.Bridges.Count == 1 ? "1 bridge" : $"{document.Bridges.Count} bridges")}, {string.Join(", ", states)}";
    }

    private static string[] Cells(BridgeStatus bridge, ByteRates? rates) =>
    [
        .. new[]
        {
            bridge.Protocol == "udp" ? $"{bridge.Name} (udp)" : bridge.Name,
            bridge.State,
            bridge.Listen.Count > 0 ? Wording.List(bridge.Listen) + InNamespace(bridge.ListenNamespace)
                : bridge.Socket is { } socket ? $"unix:{socket}" : Nothing,
            bridge.Namespace.Reference ?? Nothing,
            bridge.Target ?? (bridge.Socket is { } join ? $"unix:{join}" : Nothing),
            bridge.TargetState is "unknown" or null ? "" : bridge.TargetState,
            Amount.OfCount(bridge.Connections.Active),
            Amount.OfCount(bridge.Connections.Total),
            Amount.OfBytes(bridge.Bytes.ToTarget),
            Amount.OfBytes(bridge.Bytes.ToClient),
            rates is { ToTarget: var toTarget } ? Amount.OfBytes(toTarget) : "",
            rates is { ToClient: var toClient } ? Amount.OfBytes(toClient) : "",
        }.Select(PlainText.Line),
    ];

    /// <summary>Without it an address in another namespace reads as a port that is open on the host.</summary>
    private static string InNamespace(string? reference) => reference is null or "host" ? "" : $" in {reference}";

    /// <summary>Why clients fail although the bridge is up, until one reaches the target.</summary>
    private string Failing(FailureStatus? failure)
    {
        if (failure is null)
            return "";
        string clients = failure.Count == 1 ? "1 client" : $"{Amount.OfCount(failure.Count)} clients";
        return $"last failure {Amount.OfTime(clock.GetUtcNow() - failure.At)} ago: {failure.Reason}; {clients}";
    }

    private static string LostClients(ConnectionCounts counts)
    {
        (long Count, string Word)[] lost = [(counts.Refused, "refused"), (counts.Failed, "failed")];
        string words = string.Join(", ", lost.Where(part => part.Count > 0).Select(part => $"{Amount.OfCount(part.Count)} {part.Word}"));
        return words.Length == 0 ? "" : $"clients: {words}";
    }

    private string Coloured(string cell, string state) => (colours, state) switch
    {
        (true, "up") => $"\e[32m{cell}\e[0m",
        (true, "waiting") => $"\e[33m{cell}\e[0m",
        (true, "failed") => $"\e[31m{cell}\e[0m",
        _ => cell,
    };
}

/// <summary>Numbers as people read them.</summary>
internal static class Amount
{
    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary><c>17 B</c>, <c>1.5 MiB</c>, <c>230 GiB</c>: three figures at most behind the first unit.</summary>
    public static string OfBytes(double bytes)
    {
        int unit = 0;
        while (bytes >= 1000 && unit < s_units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }
        string format = unit == 0 || bytes >= 99.95 ? "0" : bytes >= 9.995 ? "0.0" : "0.00";
        return string.Create(CultureInfo.InvariantCulture, $"{bytes.ToString(format, CultureInfo.InvariantCulture)} {s_units[unit]}");
    }

    /// <summary><c>12 s</c>, <c>5 min</c>, <c>30 h</c>, <c>9 d</c>: below two of a unit in the next smaller one.</summary>
    public static string OfTime(TimeSpan time)
    {
        (double amount, string unit) = time.TotalSeconds < 120 ? (time.TotalSeconds, "s")
            : time.TotalMinutes < 120 ? (time.TotalMinutes, "min")
            : time.TotalHours < 48 ? (time.TotalHours, "h")
            : (time.TotalDays, "d");
        return string.Create(CultureInfo.InvariantCulture, $"{(long)Math.Max(amount, 0)} {unit}");
    }

    public static string OfCount(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);
}
