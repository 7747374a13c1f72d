using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace NsBridge.Systemd;

/// <summary>The heartbeat of the event loops.</summary>
internal interface IHeartbeat
{
    /// <summary>Completes once every event loop has run since the call. A stuck loop leaves it incomplete.</summary>
    Task BeatAsync(CancellationToken cancellationToken);
}

/// <summary>Sends the manager's watchdog message each time all event loops have answered: a stuck loop stops it, and the manager restarts
/// the service. There is no deadline here on purpose; the manager's is the one that counts.</summary>
/// <param name="heartbeat">Of the event loops.</param>
/// <param name="manager">Gets the messages.</param>
/// <param name="log">Logs a loop that is stuck.</param>
/// <param name="watched">How long the manager waits for a message; null if it does not watch this process.</param>
internal sealed partial class Watchdog(IHeartbeat heartbeat, ISystemdNotifier manager, ILogger<Watchdog> log, TimeSpan? watched)
    : BackgroundService
{
    /// <summary>Messages per interval: sd_watchdog_enabled(3) asks for two, the third covers one late timer.</summary>
    private const int BeatsPerInterval = 3;

    private static readonly ServiceState s_alive = new("WATCHDOG=1");

    private readonly ILogger<Watchdog> _log = log;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (watched is not { } interval)
            return;
        using var timer = new PeriodicTimer(interval / BeatsPerInterval);
        do
        {
            Task beat = heartbeat.BeatAsync(stoppingToken);
            if (await Task.WhenAny(beat, Task.Delay(interval / 2, stoppingToken)) != beat)
                EventLoopSilent(interval / 2);
            await beat.WaitAsync(stoppingToken);
            manager.Notify(s_alive);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(EventId = 2101, Level = LogLevel.Critical,
        Message = "An event loop has not answered for {Silence}; the service manager restarts the service if it stays so")]
    private partial void EventLoopSilent(TimeSpan silence);
}

/// <summary>The interval of sd_watchdog_enabled(3).</summary>
internal static class WatchdogInterval
{
    /// <summary>Timers go no finer.</summary>
    private const long ShortestMicroseconds = 10_000;

    /// <summary>A day: messages may be sent more often than required, and timers go no further than 49 days.</summary>
    private const long LongestMicroseconds = 86_400_000_000;

    /// <returns>The time that the manager waits for a message; null if it does not watch this process.</returns>
    public static TimeSpan? FromEnvironment() => Parse(
        Environment.GetEnvironmentVariable("WATCHDOG_USEC"),
        Environment.GetEnvironmentVariable("WATCHDOG_PID"),
        Environment.ProcessId);

    /// <param name="microseconds">Value of <c>WATCHDOG_USEC</c>.</param>
    /// <param name="watchedProcess">Value of <c>WATCHDOG_PID</c>; null means any process.</param>
    /// <param name="ownProcess">This process's id.</param>
    internal static TimeSpan? Parse(string? microseconds, string? watchedProcess, int ownProcess)
    {
        if (!long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out long length) || length == 0)
            return null;
        if (watchedProcess is not null && watchedProcess != ownProcess.ToString(CultureInfo.InvariantCulture))
            return null;
        return TimeSpan.FromMicroseconds(Math.Clamp(length, ShortestMicroseconds, LongestMicroseconds));
    }
}
