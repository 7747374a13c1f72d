using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace NsBridge.Systemd;

internal static class ServiceCollectionExtensions
{
    /// <summary>How long a busy manager is given: it may be reloading some thousand units, and starts are timed out after 90 s.</summary>
    private static readonly TimeSpan s_managerPatience = TimeSpan.FromMinutes(1);

    /// <summary>
    /// What a service of <c>Type=notify</c> owes its manager: READY=1 once every hosted service has started, STATUS=, STOPPING=1 with
    /// the time a stop may take, and the watchdog. Does nothing where no manager listens. Needs an <see cref="IHeartbeat"/> and an <see cref="IStatusLine"/>.
    /// </summary>
    /// <param name="services">Where all of it goes.</param>
    /// <param name="manager">The way to the manager; null where none listens.</param>
    public static IServiceCollection AddSystemdOperation(this IServiceCollection services, NotifySocket? manager)
    {
        // The framework's own AddSystemd() looks for a parent process named systemd, which the sandbox hides (ProtectProc=): a manager
        // that listens says so by NOTIFY_SOCKET.
        if (manager is not null)
            services.AddSingleton<IHostLifetime, SystemdLifetime>();
        services.AddSingleton<ISystemdNotifier>(provider => new ManagerNotifier(manager, provider.GetRequiredService<ILogger<ManagerNotifier>>(), s_managerPatience));
        services.AddHostedService<Watchdog>();
        services.AddHostedService<StatusPublisher>();
        services.AddHostedService<StopTimeoutExtension>();
        return services;
    }
}
