using System.Globalization;
using System.Text;
using NsBridge.Bridges;

namespace NsBridge.Metrics;

/// <summary>Writes the metrics in Prometheus' text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).</summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private static readonly string[] s_bounds =
        [.. ConnectBuckets.UpperBounds.Select(bound => bound.ToString("0.#####", CultureInfo.InvariantCulture)), "+Inf"];

    public static string Write(IReadOnlyList<(BridgeReport Report, ConnectionResult Ended)> bridges)
    {
        var text = new StringBuilder(4096);
        Head(text, "nsbridge_bridge_up", "gauge",
            "Whether the bridge's listener is bound and its namespace can be entered; absent for a disabled bridge.");
        foreach ((BridgeReport report, ConnectionResult _) in bridges.Where(bridge => bridge.Report.State != BridgeState.Disabled))
            Sample(text, "nsbridge_bridge_up", report, null, null, report.State == BridgeState.Up ? 1 : 0);

        Head(text, "nsbridge_target_up", "gauge",
            "Whether the target accepts connections, as of the last probe; absent for a target that is not probed or cannot be.");
        foreach ((BridgeReport report, ConnectionResult _) in bridges.Where(bridge => bridge.Report.TargetState != TargetState.Unknown))
            Sample(text, "nsbridge_target_up", report, null, null, report.TargetState == TargetState.Answers ? 1 : 0);

        Head(text, "nsbridge_connections_active", "gauge", "Connections open now.");
        foreach ((BridgeReport report, ConnectionResult _) in bridges)
            Sample(text, "nsbridge_connections_active", report, null, null, report.Active);

        Head(text, "nsbridge_connections_total", "counter",
            "Connections that have ended, by result: served, refused (before a connect to the target), failed (target not reached).");
        foreach ((BridgeReport report, ConnectionResult ended) in bridges)
        {
            Sample(text, "nsbridge_connections_total", report, "result", "served", ended.Served);
            Sample(text, "nsbridge_connections_total", report, "result", "refused", ended.Refused);
            Sample(text, "nsbridge_connections_total", report, "result", "failed", ended.Failed);
        }

        Head(text, "nsbridge_connections_ended_total", "counter", "Admitted clients that have gone, by the outcome of their connection.");
        foreach ((BridgeReport report, ConnectionResult _) in bridges)
        {
            foreach ((long count, string outcome) in report.Ended.Zip(EndReasons.Words))
                Sample(text, "nsbridge_connections_ended_total", report, "outcome", outcome, count);
        }

        Head(text, "nsbridge_clients_parked", "gauge", "Clients that wait for a missing namespace or target.");
        foreach ((BridgeReport report, ConnectionResult _) in bridges)
            Sample(text, "nsbridge_clients_parked", report, null, null, report.Parked);

        Head(text, "nsbridge_failing_clients", "gauge", "Clients that could not reach the target since the last one that did.");
        foreach ((BridgeReport report, ConnectionResult _) in bridges)
            Sample(text, "nsbridge_failing_clients", report, null, null, report.LastFailure?.Count ?? 0);

        Head(text, "nsbridge_bytes_total", "counter", "Bytes relayed, by direction.");
        foreach ((BridgeReport report, ConnectionResult _) in bridges)
        {
            Sample(text, "nsbridge_bytes_total", report, "direction", "to_target", report.BytesToTarget);
            Sample(text, "nsbridge_bytes_total", report, "direction", "to_client", report.BytesToClient);
        }

        Head(text, "nsbridge_connect_seconds", "histogram", "Time until the target accepted the connection.");
        foreach ((BridgeReport report, ConnectionResult _) in bridges)
            Histogram(text, report);
        return text.ToString();
    }

    private static void Histogram(StringBuilder text, BridgeReport report)
    {
        // Each bucket counts everything up to its bound.
        long count = 0;
        for (int i = 0; i < s_bounds.Length; i++)
        {
            count += i < report.ConnectBuckets.Count ? report.ConnectBuckets[i] : 0;
            Sample(text, "nsbridge_connect_seconds_bucket", report, "le", s_bounds[i], count);
        }
        Sample(text, "nsbridge_connect_seconds_sum", report, null, null, report.ConnectSecondsSum);
        Sample(text, "nsbridge_connect_seconds_count", report, null, null, count);
    }

    private static void Head(StringBuilder text, string name, string type, string help) =>
        text.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');

    private static void Sample(StringBuilder text, string name, BridgeReport report, string? label, string? value, double number)
    {
        text.Append(name).Append("{bridge=\"").Append(Escaped(report.Name)).Append('"');
        if (label is not null)
            text.Append(',').Append(label).Append("=\"").Append(Escaped(value!)).Append('"');
        // "R" is the shortest text that reads back the same, and writes whole numbers without a fraction below 1e15.
        text.Append("} ").Append(number.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
    }

    /// <summary>The format's rule; the names of bridges contain none of these characters.</summary>
    internal static string Escaped(string value) => value
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal);
}
