using NsBridge.Linux;

namespace NsBridge.Systemd;

/// <summary>The service manager's job that stops this service: whether it is the first half of a restart.</summary>
internal static class SystemdStopJob
{
    /// <summary>systemd answers in a few milliseconds. Clients are served meanwhile.</summary>
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(1);

    /// <summary>Asks the systemd that runs this service.</summary>
    /// <returns>True for a restart, false for a stop or if there is no job; null if systemd cannot be asked.</returns>
    public static async Task<bool?> AskAsync()
    {
        if (ServiceOf(ProcessFiles.ControlGroups(Environment.ProcessId) ?? []) is not var (unit, isOfUser))
            return null;
        string? directory = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        if (isOfUser && string.IsNullOrEmpty(directory))
            return null;
        using var deadline = new CancellationTokenSource(s_timeout);
        try
        {
            using SystemBus bus = await (isOfUser
                ? SystemBus.ConnectAsync(directory!, deadline.Token)
                : SystemBus.ConnectAsync(deadline.Token));
            if (await bus.FindUnitAsync(unit, deadline.Token) is not { } path)
                return null;
            if (await bus.PropertyAsync(path, SystemBus.UnitType, "Job", deadline.Token) is not string job)
                return null;
            // The path "/" means no job.
            object? type = job == "/" ? null : await bus.PropertyAsync(job, SystemBus.JobType, "JobType", deadline.Token);
            return type is "restart" or "try-restart" or "reload-or-start";
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>The service of a process, and whether a user's own systemd runs it, which is itself a service:
    /// <c>user@1000.service</c>.</summary>
    internal static (string Unit, bool IsOfUser)? ServiceOf(IEnumerable<string> controlGroups)
    {
        string[] services =
            [.. controlGroups.SelectMany(path => path.Split('/')).Where(part => part.EndsWith(".service", StringComparison.Ordinal))];
        return services is [.. var outer, var unit] ? (unit, outer.Any(part => part.StartsWith("user@", StringComparison.Ordinal))) : null;
    }
}
