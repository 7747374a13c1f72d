using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace NsBridge.Systemd;

/// <summary>
/// Tells the service manager that the daemon lives, and only when each event loop has just said so itself: a loop that is stuck
/// silences it, and the manager restarts the service. There is no deadline here on purpose; the manager's is the one that counts.
/// </summary>
internal sealed partial class Watchdog : BackgroundService
{
    /// <summary>Signs of life per interval: twice is what sd_watchdog_enabled(3) asks for, the third forgives one late timer.</summary>
    private const int BeatsPerInterval = 3;

    private static readonly ServiceState s_alive = new("WATCHDOG=1");

    private readonly IHeartbeat _heartbeat;
    private readonly ISystemdNotifier _manager;
    private readonly ILogger<Watchdog> _log;
    private readonly TimeSpan? _interval;

    public Watchdog(IHeartbeat heartbeat, ISystemdNotifier manager, ILogger<Watchdog> log)
        : this(heartbeat, manager, log, WatchdogInterval.FromEnvironment())
    {
    }

    internal Watchdog(IHeartbeat heartbeat, ISystemdNotifier manager, ILogger<Watchdog> log, TimeSpan? interval)
    {
        _heartbeat = heartbeat;
        _manager = manager;
        _log = log;
        _interval = interval;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_interval is not { } interval)
            return;

        using var timer = new PeriodicTimer(interval / BeatsPerInterval);
        try
        {
            do
            {
                Task beat = _heartbeat.BeatAsync(stoppingToken);
                if (await Task.WhenAny(beat, Task.Delay(interval / 2, stoppingToken)) != beat)
                    EventLoopSilent(interval / 2);
                await beat.WaitAsync(stoppingToken);
                _manager.Notify(s_alive);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    [LoggerMessage(EventId = 2101, Level = LogLevel.Critical,
        Message = "An event loop has not answered for {Silence}; the service manager restarts the service if it stays so")]
    private partial void EventLoopSilent(TimeSpan silence);
}
