using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using NsBridge.Base;
using NsBridge.Bridges;

namespace NsBridge.Metrics;

/// <summary>
/// The same numbers for whoever listens to the meter <c>NsBridge</c> inside the process, such as an OpenTelemetry exporter. Every
/// instrument is observed: nothing is done for a connection, and nothing at all while nobody listens.
/// </summary>
/// <remarks>
/// The framework has no histogram that is observed. The buckets of the time to connect are a counter with the tag <c>le</c>,
/// cumulative as in Prometheus.
/// </remarks>
internal sealed class BridgeMeter : IHostedService, IDisposable
{
    public const string Name = "NsBridge";

    private readonly Meter _meter = new(Name, ProductVersion.Text);
    private readonly BridgeCounts _counts;

    public BridgeMeter(BridgeCounts counts)
    {
        _counts = counts;
        _meter.CreateObservableGauge("nsbridge.bridge.up", () => Observe(Up), description: MetricTexts.Up);
        _meter.CreateObservableUpDownCounter("nsbridge.connections.active", () => Observe(Active), description: MetricTexts.Active);
        _meter.CreateObservableCounter("nsbridge.connections", () => Observe(Ended), description: MetricTexts.Connections);
        _meter.CreateObservableCounter("nsbridge.bytes", () => Observe(Bytes), unit: "By", description: MetricTexts.Bytes);
        _meter.CreateObservableCounter("nsbridge.connect.bucket", () => Observe(Buckets), description: MetricTexts.Connect);
        _meter.CreateObservableCounter("nsbridge.connect.sum", () => Observe(Sum), unit: "s", description: MetricTexts.Connect);
    }

    /// <summary>Nothing to do: being made is enough.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<T>> Observe<T>(Func<BridgeReport, ConnectionResult, IEnumerable<Measurement<T>>> measure)
        where T : struct =>
        _counts.Take().SelectMany(taken => measure(taken.Report, taken.Ended));

    private static IEnumerable<Measurement<int>> Up(BridgeReport report, ConnectionResult ended) =>
        report.State == BridgeState.Disabled ? [] : [new(report.State == BridgeState.Up ? 1 : 0, Bridge(report))];

    private static IEnumerable<Measurement<long>> Active(BridgeReport report, ConnectionResult ended) => [new(report.Active, Bridge(report))];

    private static IEnumerable<Measurement<long>> Ended(BridgeReport report, ConnectionResult ended) =>
    [
        new(ended.Served, Bridge(report), new("result", "served")),
        new(ended.Refused, Bridge(report), new("result", "refused")),
        new(ended.Failed, Bridge(report), new("result", "failed")),
    ];

    private static IEnumerable<Measurement<long>> Bytes(BridgeReport report, ConnectionResult ended) =>
    [
        new(report.BytesToTarget, Bridge(report), new("direction", "to_target")),
        new(report.BytesToClient, Bridge(report), new("direction", "to_client")),
    ];

    private static IEnumerable<Measurement<long>> Buckets(BridgeReport report, ConnectionResult ended) =>
        CumulativeBuckets.Of(report).Select(bucket => new Measurement<long>(bucket.Count, Bridge(report), new("le", bucket.UpperBound)));

    private static IEnumerable<Measurement<double>> Sum(BridgeReport report, ConnectionResult ended) => [new(report.ConnectSecondsSum, Bridge(report))];

    private static KeyValuePair<string, object?> Bridge(BridgeReport report) => new("bridge", report.Name);
}
