using System.Globalization;

namespace NsBridge.Systemd;

/// <summary>The service manager's demand of sd_watchdog_enabled(3).</summary>
internal static class WatchdogInterval
{
    /// <summary>No manager demands more in earnest; timers go no finer.</summary>
    private const long Shortest = 10_000;

    /// <summary>A day. Signs of life may come sooner than they are demanded; timers go no further than 49 days.</summary>
    private const long Longest = 86_400_000_000;

    /// <returns>How long the manager waits for a sign of life, or null where it does not watch this process.</returns>
    public static TimeSpan? FromEnvironment() => Parse(
        Environment.GetEnvironmentVariable("WATCHDOG_USEC"),
        Environment.GetEnvironmentVariable("WATCHDOG_PID"),
        Environment.ProcessId);

    /// <param name="microseconds">Value of <c>WATCHDOG_USEC</c>.</param>
    /// <param name="watchedProcess">Value of <c>WATCHDOG_PID</c>; absent means whoever reads it.</param>
    /// <param name="ownProcess">This process's id.</param>
    internal static TimeSpan? Parse(string? microseconds, string? watchedProcess, int ownProcess)
    {
        if (!long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out long length) || length == 0)
            return null;
        if (watchedProcess is not null && watchedProcess != ownProcess.ToString(CultureInfo.InvariantCulture))
            return null;
        return TimeSpan.FromMicroseconds(Math.Clamp(length, Shortest, Longest));
    }
}
