using Microsoft.Extensions.DependencyInjection;
using NsBridge.Bridges;
using NsBridge.Control;
using NsBridge.Metrics;

namespace NsBridge.Hosting;

internal static class ServiceCollectionExtensions
{
    /// <summary>
    /// What an operator asks the running daemon: the control socket and the metrics. Needs an <see cref="IBridgeReports"/>, and to be
    /// added before the bridges: services start in their order, and a second daemon is turned away by the first of these.
    /// </summary>
    public static IServiceCollection AddOperations(this IServiceCollection services)
    {
        services.AddHostedService<ControlSocket>();
        services.AddSingleton<BridgeCounts>();
        services.AddHostedService<MetricsServer>();
        return services;
    }
}
