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
            PlainText.Line(string.Create(
                CultureInfo.InvariantCulture, $"nsbridge {document.Version}, pid {document.Pid}: {StatusWords.Summary(document)}")),
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
            foreach (string line in StatusWords.Of(bridge, clock.GetUtcNow()))
                lines.Add(new string(' ', table.Indent) + PlainText.Line(line));
        }
        return lines;
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

    private string Coloured(string cell, string state) => (colours, state) switch
    {
        (true, "up") => $"\e[32m{cell}\e[0m",
        (true, "waiting") => $"\e[33m{cell}\e[0m",
        (true, "failed") => $"\e[31m{cell}\e[0m",
        _ => cell,
    };
}
