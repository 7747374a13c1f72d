using System.Globalization;
using System.Net;
using System.Text;
using NsBridge.Base;
using NsBridge.Control;

namespace NsBridge.Metrics;

/// <summary>The page for people: the document of <c>nsbridge status</c> as a table, which a script refreshes and adds curves to. Its parts
/// are in the executable and are read for each request.</summary>
internal static class StatusPage
{
    /// <summary>The page shows what this machine has and loads nothing else; no other page may show, read or steer it.</summary>
    public const string Headers =
        "Content-Security-Policy: default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
        + "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n"
        + "Cache-Control: no-store";

    private static readonly string[] s_heads = ["Bridge", "State", "From → to", "Clients", "To the target", "To the client"];

    /// <summary>One of the page's files, such as <c>page.css</c>.</summary>
    public static string Part(string name)
    {
        using var reader = new StreamReader(typeof(StatusPage).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    public static string Write(StatusDocument status, DateTimeOffset now) => Part("page.html")
        .Replace("{summary}", Summary(status, now), StringComparison.Ordinal)
        .Replace("{table}", Table(status, now), StringComparison.Ordinal);

    private static string Summary(StatusDocument status, DateTimeOffset now)
    {
        string pid = status.Pid.ToString(CultureInfo.InvariantCulture);
        string time = status.Started is { } started ? Amount.OfTime(now - started) : "";
        string text = Text($"Version {status.Version}, pid {pid}, up {time}: {StatusWords.Summary(status)}");
        return $"<p id=\"summary\" data-pid=\"{pid}\">{text}</p>";
    }

    private static string Table(StatusDocument status, DateTimeOffset now)
    {
        StringBuilder html = new StringBuilder("<table>\n<thead><tr>")
            .AppendJoin("", s_heads.Select(head => $"<th scope=\"col\">{head}</th>")).Append("</tr></thead>\n");
        foreach (BridgeStatus bridge in status.Bridges)
            Append(html, bridge, now);
        return html.Append("</table>").ToString();
    }

    private static void Append(StringBuilder html, BridgeStatus bridge, DateTimeOffset now)
    {
        string name = Text(bridge.Name);
        ConnectionCounts count = bridge.Connections;
        html.Append(CultureInfo.InvariantCulture, $"<tbody id=\"bridge-{name}\" class=\"{Text(bridge.State)}\">\n");
        html.Append(CultureInfo.InvariantCulture, $"<tr><th scope=\"row\">{name}</th>");
        Cell(html, 1, $"<span class=\"state\">{Text(bridge.State)}</span>");
        Cell(html, 2, Way(bridge));
        Cell(html, 3, $"{Amount.OfCount(count.Active)} open<small>{Amount.OfCount(count.Total)} in all</small>");
        Cell(html, 4, bridge.Bytes.ToTarget);
        Cell(html, 5, bridge.Bytes.ToClient);
        html.Append("</tr>\n");
        string words = string.Concat(StatusWords.Of(bridge, now).Select(line => $"<p>{Text(line)}</p>"));
        if (bridge.State is "waiting" or "failed")
            words += $"<p>Cure: <code>nsbridge doctor {name}</code></p>";
        if (words.Length > 0)
            html.Append(CultureInfo.InvariantCulture, $"<tr class=\"words\"><td colspan=\"{s_heads.Length}\">{words}</td></tr>\n");
        html.Append("</tbody>\n");
    }

    private static void Cell(StringBuilder html, int column, string content, string attributes = "") =>
        html.Append(CultureInfo.InvariantCulture, $"<td data-label=\"{s_heads[column]}\"{attributes}><div>{content}</div></td>");

    /// <summary>A number of bytes; the script adds the rate and its curve.</summary>
    private static void Cell(StringBuilder html, int column, long bytes)
    {
        string exact = bytes.ToString(CultureInfo.InvariantCulture);
        string content = $"<span class=\"number\" title=\"{exact} bytes\">{Amount.OfBytes(bytes)}</span><span class=\"rate\"></span>"
            + "<svg viewBox=\"0 0 150 21\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><polyline/></svg>";
        Cell(html, column, content, $" data-bytes=\"{exact}\"");
    }

    private static string Way(BridgeStatus bridge)
    {
        string socket = bridge.Socket is { } path ? $"unix:{path}" : "-";
        string listen = bridge.Listen.Count == 0 ? socket
            : string.Join(", ", bridge.Listen) + (bridge.ListenNamespace is null or "host" ? "" : $" in {bridge.ListenNamespace}");
        string target = bridge.Target is null ? socket : $"{bridge.Target} in {bridge.Namespace.Reference}";
        string probe = bridge.TargetState == "unknown" ? "" : $" <span class=\"{bridge.TargetState}\">{bridge.TargetState}</span>";
        return $"{Text(listen)} → {Text(target)}{probe}{(bridge.Protocol == "udp" ? " <small>udp</small>" : "")}";
    }

    /// <summary>Makes text of any content harmless.</summary>
    private static string Text(string text) => WebUtility.HtmlEncode(PlainText.Line(text));
}
