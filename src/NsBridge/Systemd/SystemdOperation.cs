using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace NsBridge.Systemd;

internal static class SystemdOperation
{
    /// <summary>For a manager that is busy reloading a thousand units; a start is timed out after 90 s.</summary>
    private static readonly TimeSpan s_managerTimeout = TimeSpan.FromMinutes(1);

    /// <summary>The duties of a service of <c>Type=notify</c>: READY=1 once every hosted service has started, STATUS=, STOPPING=1 with the
    /// stop timeout, and the watchdog. Does nothing without a manager. Needs an <see cref="IHeartbeat"/> and an <see
    /// cref="IStatusLine"/>.</summary>
    /// <param name="services">Receives the services.</param>
    /// <param name="manager">The manager's socket; null for none.</param>
    public static IServiceCollection AddSystemdOperation(this IServiceCollection services, NotifySocket? manager)
    {
        // The framework's own AddSystemd() looks for a parent process named systemd, which the sandbox hides (ProtectProc=).
        if (manager is not null)
            services.AddSingleton<IHostLifetime, SystemdLifetime>();
        services.AddSingleton<ISystemdNotifier>(provider =>
            new ManagerNotifier(manager, provider.GetRequiredService<ILogger<ManagerNotifier>>(), s_managerTimeout));
        services.AddHostedService(provider => new Watchdog(
            provider.GetRequiredService<IHeartbeat>(), provider.GetRequiredService<ISystemdNotifier>(),
            provider.GetRequiredService<ILogger<Watchdog>>(), WatchdogInterval.FromEnvironment()));
        services.AddHostedService<StatusPublisher>();
        services.AddHostedService<StopTimeoutExtension>();
        return services;
    }
}

/// <summary>The daemon's line in <c>systemctl status</c>.</summary>
internal interface IStatusLine
{
    /// <summary>One line, such as <c>2 bridges up, 1 waiting; 5 connections</c>. Called on a pool thread.</summary>
    string Describe();
}

/// <summary>Keeps the line under <c>Status:</c> in <c>systemctl status</c> up to date.</summary>
internal sealed class StatusPublisher(IStatusLine status, ISystemdNotifier manager) : BackgroundService
{
    /// <summary>People read the line, so it may lag this much; connections change far too often to send each change.</summary>
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!manager.IsEnabled)
            return;
        using var timer = new PeriodicTimer(s_period);
        string sent = "";
        do
        {
            string line = status.Describe();
            if (line == sent)
                continue;
            manager.Notify(new ServiceState("STATUS=" + line));
            sent = line;
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}

/// <summary>Requests the configured stop timeout from the service manager when a stop begins. Otherwise a <c>ShutdownTimeout</c> longer
/// than the unit's <c>TimeoutStopSec=</c> would end in SIGKILL, and two numbers would have to be kept in step by hand.</summary>
internal sealed class StopTimeoutExtension(IHostApplicationLifetime lifetime, ISystemdNotifier manager, IOptions<HostOptions> host)
    : IHostedService, IDisposable
{
    private CancellationTokenRegistration _stopping;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _stopping = lifetime.ApplicationStopping.Register(Request);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stopping.Dispose();

    private void Request()
    {
        long microseconds = (long)host.Value.ShutdownTimeout.TotalMicroseconds;
        if (manager.IsEnabled)
            manager.Notify(new ServiceState(string.Create(CultureInfo.InvariantCulture, $"EXTEND_TIMEOUT_USEC={microseconds}")));
    }
}
