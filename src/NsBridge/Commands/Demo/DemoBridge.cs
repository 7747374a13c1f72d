using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Commands.Discover;
using NsBridge.Configuration.Reading;
using NsBridge.Hosting;
using NsBridge.Systemd;

namespace NsBridge.Commands.Demo;

/// <summary>A bridge that the daemon's own code runs in this process.</summary>
internal sealed class DemoBridge : IAsyncDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);
    private readonly ActivationSockets _sockets = ActivationSockets.Adopt([]);
    private readonly IHost _host;
    private readonly BridgeSupervisor _bridges;

    private DemoBridge(ConfigurationOutcome configuration)
    {
        // It is not started as a host: signals are the demo's to handle.
        _host = BridgeHost.Compose(new BridgeHostParts(configuration, _sockets)).Build();
        _bridges = _host.Services.GetRequiredService<BridgeSupervisor>();
    }

    public IBridgeReports Reports => _bridges;

    /// <summary>Starts it, with its sockets in <paramref name="directory"/>, and returns when it is up.</summary>
    /// <exception cref="UserErrorException">It does not come up.</exception>
    public static async Task<DemoBridge> StartAsync(BridgeDraft draft, string directory, CancellationToken stop)
    {
        // The other half's configuration is in the same directory.
        string file = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}.json"));
        // A client that stays connected must not delay the end.
        string text =
            $$"""
            {
              "Logging": { "LogLevel": { "Default": "Warning" } },
              "NsBridge": {
                "RuntimeDirectory": "{{JsonEncodedText.Encode(directory)}}", "ShutdownTimeout": "00:00:00",
                "Bridges": [ {{draft.ToJson()}} ]
              }
            }
            """;
        await File.WriteAllTextAsync(file, text, stop);
        var bridge = new DemoBridge(new ConfigurationLoader(file, new Dictionary<string, string>()).Load());
        try
        {
            await bridge._bridges.StartAsync(stop);
            await bridge.WaitUpAsync(stop);
            return bridge;
        }
        catch
        {
            await bridge.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _bridges.StopAsync(CancellationToken.None);
        _host.Dispose();
        _sockets.Dispose();
    }

    private async Task WaitUpAsync(CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(s_deadline);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        BridgeReport report = _bridges.Snapshot()[0];
        try
        {
            while ((report = _bridges.Snapshot()[0]).State != BridgeState.Up)
                await timer.WaitForNextTickAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new UserErrorException($"nsbridge demo: the bridge does not come up: {report.Reason}", Base.ExitCode.Failed);
        }
    }
}
