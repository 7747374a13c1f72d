using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;

namespace NsBridge.Operations.Systemd;

internal static class ServiceCollectionExtensions
{
    /// <summary>
    /// What a service of <c>Type=notify</c> owes its manager: READY=1 once every hosted service has started, STATUS=, STOPPING=1 with
    /// the time a stop may take, and the watchdog. Does nothing where no manager listens. Needs an <see cref="IHeartbeat"/> and an <see cref="IStatusLine"/>.
    /// </summary>
    public static IServiceCollection AddSystemdOperation(this IServiceCollection services)
    {
        // The framework's own AddSystemd() looks for a parent process named systemd, which the sandbox hides (ProtectProc=): a manager
        // that listens says so by this variable.
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NOTIFY_SOCKET")))
            services.AddSingleton<IHostLifetime, SystemdLifetime>();
        services.AddSingleton<ISystemdNotifier, SystemdNotifier>();
        services.AddHostedService<Watchdog>();
        services.AddHostedService<StatusPublisher>();
        services.AddHostedService<StopAllowance>();
        return services;
    }
}
