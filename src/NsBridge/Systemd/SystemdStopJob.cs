using System.Net.Sockets;
using NsBridge.Linux;

namespace NsBridge.Systemd;

/// <summary>Tells whether a stop is the first half of a restart, as the service manager means it.</summary>
internal static class SystemdStopJob
{
    private const string UnitType = "org.freedesktop.systemd1.Unit";
    private const string JobType = "org.freedesktop.systemd1.Job";

    /// <summary>systemd answers in a few milliseconds. While it is asked, clients are served as ever.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    /// <summary>Asks the systemd that runs this service for the job that stops it.</summary>
    /// <returns>True for a restart, false for a stop or where there is no job at all; null where systemd cannot be asked.</returns>
    public static async Task<bool?> LocateAsync()
    {
        if (Place(ProcessFiles.ControlGroups(Environment.ProcessId) ?? []) is not var (unit, isOfUser))
            return null;
        string? directory = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        if (isOfUser && string.IsNullOrEmpty(directory))
            return null;
        using var patience = new CancellationTokenSource(s_patience);
        try
        {
            using SystemBus bus = isOfUser ? await SystemBus.ConnectAsync(directory!, patience.Token) : await SystemBus.ConnectAsync(patience.Token);
            if (await bus.FindUnitAsync(unit, patience.Token) is not { } path)
                return null;
            if (await bus.PropertyAsync(path, UnitType, "Job", patience.Token) is not string job)
                return null;
            // The path of no job is the root.
            return job != "/" && await bus.PropertyAsync(job, JobType, "JobType", patience.Token) is "restart" or "try-restart" or "reload-or-start";
        }
        catch (Exception fault) when (fault is IOException or SocketException or OperationCanceledException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The service of a process, and whether a user's own systemd runs it: that one is itself a service, <c>user@1000.service</c>, with its services within.</summary>
    internal static (string Unit, bool IsOfUser)? Place(IEnumerable<string> controlGroups)
    {
        string[] services = [.. controlGroups.SelectMany(path => path.Split('/')).Where(part => part.EndsWith(".service", StringComparison.Ordinal))];
        return services is [.. var around, var unit] ? (unit, around.Any(part => part.StartsWith("user@", StringComparison.Ordinal))) : null;
    }
}
