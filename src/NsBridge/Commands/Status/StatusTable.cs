using System.Globalization;
using System.Text;
using NsBridge.Base;
using NsBridge.Control;

namespace NsBridge.Commands.Status;

/// <summary>The table of <c>nsbridge status</c>: a line a bridge, and under it the reason where there is one.</summary>
internal sealed class StatusTable(TimeProvider clock, bool colours)
{
    private const string Gap = "  ";
    private const string Nothing = "-";
    private static readonly string[] s_heads = ["BRIDGE", "STATE", "LISTEN", "NAMESPACE", "TARGET", "CLIENTS", "TO TARGET", "TO CLIENT"];

    /// <summary>The lines of the table, without line feeds.</summary>
    /// <param name="now">What is shown.</param>
    /// <param name="earlier">What the rates are reckoned from; null shows none.</param>
    public List<string> Lines(StatusSample now, StatusSample? earlier)
    {
        StatusDocument document = now.Document;
        var lines = new List<string>
        {
            PlainText.Line(string.Create(CultureInfo.InvariantCulture, $"nsbridge {document.Version}, pid {document.Pid}: {Summary(document)}")),
        };
        if (document.Bridges.Count == 0)
            return lines;
        lines.Add("");
        var rows = document.Bridges
            .Select(bridge => Array.ConvertAll(Cells(bridge, now.RatesSince(earlier, bridge, clock)), PlainText.Line)).ToList();
        int[] widths = Enumerable.Range(0, s_heads.Length).Select(i => Math.Max(s_heads[i].Length, rows.Max(row => row[i].Length))).ToArray();
        lines.Add(Row(s_heads, widths, null));
        for (int i = 0; i < rows.Count; i++)
        {
            lines.Add(Row(rows[i], widths, document.Bridges[i].State));
            if (document.Bridges[i].Reason is { Length: > 0 } reason)
                lines.Add(new string(' ', widths[0] + Gap.Length) + PlainText.Line(reason));
        }

        return lines;
    }

    private static string Summary(StatusDocument document)
    {
        if (document.Bridges.Count == 0)
            return "no bridges";
        // The states in the order an operator wants them: what is wrong last, where the eye ends.
        string[] order = ["up", "disabled", "waiting", "failed"];
        IOrderedEnumerable<KeyValuePair<string, int>> states = document.Bridges.CountBy(bridge => bridge.State).OrderBy(state => Array.IndexOf(order, state.Key));
        string bridges = document.Bridges.Count == 1 ? "1 bridge" : $"{document.Bridges.Count} bridges";
        return $"{bridges}, {string.Join(", ", states.Select(state => $"{state.Value} {state.Key}"))}";
    }

    private static string[] Cells(BridgeStatus bridge, ByteRates? rates) =>
    [
        bridge.Protocol == "udp" ? $"{bridge.Name} (udp)" : bridge.Name,
        bridge.State,
        bridge.Listen.Count > 0 ? string.Join(", ", bridge.Listen) : bridge.Socket is { } socket ? $"unix:{socket}" : Nothing,
        bridge.Namespace.Reference ?? Nothing,
        bridge.Target ?? (bridge.Socket is { } join ? $"unix:{join}" : Nothing),
        Clients(bridge.Connections),
        Bytes(bridge.Bytes.ToTarget, rates?.ToTarget),
        Bytes(bridge.Bytes.ToClient, rates?.ToClient),
    ];

    private static string Clients(ConnectionCounts counts)
    {
        var text = new StringBuilder($"{Amount.OfCount(counts.Active)} of {Amount.OfCount(counts.Total)}");
        if (counts.Refused > 0)
            text.Append(CultureInfo.InvariantCulture, $", {Amount.OfCount(counts.Refused)} refused");
        if (counts.Failed > 0)
            text.Append(CultureInfo.InvariantCulture, $", {Amount.OfCount(counts.Failed)} failed");
        return text.ToString();
    }

    private static string Bytes(long bytes, double? rate) =>
        rate is { } known ? $"{Amount.OfBytes(bytes)} ({Amount.OfBytes(known)}/s)" : Amount.OfBytes(bytes);

    private string Row(string[] cells, int[] widths, string? state)
    {
        var line = new StringBuilder();
        for (int i = 0; i < cells.Length; i++)
        {
            string cell = cells[i].PadRight(widths[i]);
            line.Append(i == 1 && state is not null ? Coloured(cell, state) : cell);
            if (i < cells.Length - 1)
                line.Append(Gap);
        }

        return line.ToString().TrimEnd();
    }

    private string Coloured(string cell, string state) => (colours, state) switch
    {
        (true, "up") => $"\e[32m{cell}\e[0m",
        (true, "waiting") => $"\e[33m{cell}\e[0m",
        (true, "failed") => $"\e[31m{cell}\e[0m",
        _ => cell,
    };
}
