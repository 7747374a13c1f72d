using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Lifecycle;
using NsBridge.Bridges.Listening;
using NsBridge.Commands.Discover;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Control;
using NsBridge.Hosting;
using NsBridge.HotRestart;
using NsBridge.Logging;
using NsBridge.Systemd;

namespace NsBridge.Commands.Demo;

/// <summary>A bridge that the daemon's own code runs in this process.</summary>
internal sealed class DemoBridge : IAsyncDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);
    private readonly ILoggerFactory _logging;
    private readonly ActivationSockets _sockets;
    private readonly LoopGroup _loops;
    private readonly ListeningSockets _listening;
    private readonly BridgeFactory _factory;
    private readonly BridgeSupervisor _fleet;

    private DemoBridge(DaemonSettings settings)
    {
        _logging = LoggerFactory.Create(logging => logging.AddJournalOrPlainLines().SetMinimumLevel(LogLevel.Warning));
        _sockets = ActivationSockets.Adopt([]);
        _loops = new LoopGroup(settings.EventLoops, settings.IoUring, settings.BusyPoll == BusyPollMode.Auto);
        var descriptors = new DescriptorBudget(ShortRequestServer.MostSessions, _logging.CreateLogger<DescriptorBudget>());
        _listening = new ListeningSockets(_sockets, new InheritedListeners(), descriptors);
        _factory = new BridgeFactory(_loops, descriptors, _listening, _logging);
        _fleet = new BridgeSupervisor(
            settings, _factory, _listening, descriptors, RestartCoordinator.None(_logging), _logging.CreateLogger<BridgeSupervisor>());
    }

    public IBridgeReports Reports => _fleet;

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
              "NsBridge": {
                "RuntimeDirectory": "{{JsonEncodedText.Encode(directory)}}", "ShutdownTimeout": "00:00:00",
                "Bridges": [ {{draft.ToJson()}} ]
              }
            }
            """;
        await File.WriteAllTextAsync(file, text, stop);
        DaemonSettings settings = new ConfigurationLoader(file, new Dictionary<string, string>()).Load().SettingsOrFault();
        var bridge = new DemoBridge(settings);
        try
        {
            await bridge._fleet.StartAsync(stop);
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
        await _fleet.StopAsync(CancellationToken.None);
        _fleet.Dispose();
        _listening.Dispose();
        _factory.Dispose();
        _loops.Dispose();
        _sockets.Dispose();
        _logging.Dispose();
    }

    private async Task WaitUpAsync(CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(s_deadline);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        BridgeReport report = _fleet.Snapshot()[0];
        try
        {
            while ((report = _fleet.Snapshot()[0]).State != BridgeState.Up)
                await timer.WaitForNextTickAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new UserErrorException($"nsbridge demo: the bridge does not come up: {report.Reason}", Base.ExitCode.Failed);
        }
    }
}
