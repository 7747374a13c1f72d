using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;

namespace NsBridge.Operations.Systemd;

internal static class ServiceCollectionExtensions
{
    /// <summary>
    /// What a service of <c>Type=notify</c> owes its manager: READY=1 once every hosted service has started, STATUS=, STOPPING=1 and
    /// the watchdog. Does nothing where no manager listens. Needs an <see cref="IHeartbeat"/> and an <see cref="IStatusLine"/>.
    /// </summary>
    public static IServiceCollection AddSystemdOperation(this IServiceCollection services)
    {
        services.AddSystemd();
        // The framework registers it under systemd only; the watchdog and the status are content with a silent one elsewhere.
        services.TryAddSingleton<ISystemdNotifier, SystemdNotifier>();
        services.AddHostedService<Watchdog>();
        services.AddHostedService<StatusPublisher>();
        return services;
    }
}
