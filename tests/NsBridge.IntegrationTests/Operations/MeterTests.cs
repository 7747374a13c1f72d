using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using System.Globalization;
using System.Net.Sockets;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Operations;

/// <summary>The meter of the published daemon, read from outside the process the way <c>dotnet-counters</c> reads it.</summary>
internal sealed class MeterTests : BridgeFixture
{
    /// <summary>The runtime's source of metrics, and its keyword for values over time.</summary>
    private const string Source = "System.Diagnostics.Metrics";
    private const long TimeSeriesValues = 2;

    [Test]
    public async Task Meter_AfterKnownTraffic_TellsItToTheByte()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        using (Socket client = await ConnectAsync(scene))
            await client.EchoAsync(Pattern.Take(12345));
        using Socket held = await ConnectAsync(scene);
        await held.EchoAsync(Pattern.Take(55));
        var values = new ConcurrentDictionary<string, double>();
        var wanted = new Dictionary<string, double>
        {
            ["nsbridge.bridge.up"] = 1,
            ["nsbridge.connections.active"] = 1,
            ["nsbridge.connections result=served"] = 1,
            ["nsbridge.connections result=failed"] = 0,
            ["nsbridge.bytes direction=to_target"] = 12400,
            ["nsbridge.bytes direction=to_client"] = 12400,
            ["nsbridge.connect.bucket le=+Inf"] = 2,
        };

        using EventPipeSession session = await new DiagnosticsClient(scene.Daemon.Id).StartEventPipeSessionAsync([MeterProvider()], requestRundown: false, circularBufferMB: 4, CancellationToken.None).WaitAsync(Soon);
        var reading = Task.Run(() => Read(session, values));
        try
        {
            await Eventually.TrueAsync(
                () => wanted.All(one => values.TryGetValue(one.Key, out double value) && value == one.Value),
                Soon, "the meter tells what happened");
        }
        catch (TimeoutException)
        {
            Assert.That(values, Is.SupersetOf(wanted));
            throw;
        }
        finally
        {
            await session.StopAsync(CancellationToken.None).WaitAsync(Soon);
            await reading.WaitAsync(Soon);
        }
    }

    private static EventPipeProvider MeterProvider() =>
        new(Source, EventLevel.Informational, TimeSeriesValues, new Dictionary<string, string>
        {
            ["SessionId"] = Guid.NewGuid().ToString(),
            ["Metrics"] = "NsBridge",
            ["RefreshInterval"] = "1",
            ["MaxTimeSeries"] = "100",
            ["MaxHistograms"] = "1",
        });

    private static void Read(EventPipeSession session, ConcurrentDictionary<string, double> values)
    {
        using var source = new EventPipeEventSource(session.EventStream);
        source.Dynamic.All += told =>
        {
            object? value = told.ProviderName != Source ? null
                : told.EventName == "GaugeValuePublished" ? told.PayloadByName("lastValue")
                : told.EventName.EndsWith("RateValuePublished", StringComparison.Ordinal) ? told.PayloadByName("value")
                : null;
            if (value is null)
                return;
            IEnumerable<string> tags = ((string)told.PayloadByName("tags")).Split(',').Where(tag => tag != "bridge=web");
            values[string.Join(' ', tags.Prepend((string)told.PayloadByName("instrumentName")))] = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        };
        source.Process();
    }
}
