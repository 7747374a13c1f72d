using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NsBridge.Bridges;
using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Lifecycle;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.HotRestart;
using NsBridge.Logging;
using NsBridge.Systemd;

namespace NsBridge.Hosting;

/// <summary>What a host of bridges is given.</summary>
/// <param name="Configuration">The configuration, without faults.</param>
/// <param name="Sockets">What systemd passed.</param>
/// <param name="Store">Where a restart finds its snapshot.</param>
internal sealed record BridgeHostParts(ConfigurationOutcome Configuration, ActivationSockets Sockets, FdStore? Store = null)
{
    /// <summary>Listening sockets that are bound already.</summary>
    public InheritedListeners Inherited { get; init; } = new();

    /// <summary>The servers of short requests beside the bridges, for their descriptors.</summary>
    public int ShortSessions { get; init; }

    /// <summary>Wraps the place of log messages; null leaves it.</summary>
    public Func<ILoggerProvider, ILoggerProvider>? AroundLog { get; init; }

    /// <summary>Cuts the drain at the stop short.</summary>
    public CancellationToken Hurry { get; init; }
}

/// <summary>Composes a generic host that runs bridges. The caller adds the hosted services, <see cref="BridgeSupervisor"/> among them: they
/// start in the order in which they are added.</summary>
internal static class BridgeHost
{
    public static HostApplicationBuilder Compose(BridgeHostParts parts)
    {
        DaemonSettings settings = parts.Configuration.SettingsOrFault();
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        var levels = new LogLevels(settings.Logging);
        builder.Logging.AddConfiguration(new ConfigurationBuilder().Add(levels).Build().GetSection("Logging"));
        builder.Logging.AddJournalOrPlainLines(parts.AroundLog);
        // A start that fails is logged once, by the command itself.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        builder.Services.Configure<ConsoleLifetimeOptions>(options => options.SuppressStatusMessages = true);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ConfigurationReloader.StopWithin(settings));
        builder.Services.AddNsBridgeConfiguration(parts.Configuration);
        builder.Services.AddSingleton(levels);
        builder.Services.AddSingleton(parts.Sockets);
        builder.Services.AddSingleton(_ => new LoopGroup(settings.EventLoops, settings.IoUring, settings.BusyPoll == BusyPollMode.Auto));
        builder.Services.AddSingleton(parts.Inherited);
        builder.Services.AddSingleton(services => new DescriptorBudget(
            parts.ShortSessions, services.GetRequiredService<ILogger<DescriptorBudget>>()));
        builder.Services.AddSingleton<ListeningSockets>();
        builder.Services.AddSingleton<BridgeFactory>();
        builder.Services.AddSingleton(services => new RestartCoordinator(
            new SnapshotStore(parts.Store), services.GetRequiredService<ILogger<RestartCoordinator>>()));
        builder.Services.AddSingleton(services => new BridgeSupervisor(
            settings, services.GetRequiredService<BridgeFactory>(), services.GetRequiredService<ListeningSockets>(),
            services.GetRequiredService<DescriptorBudget>(), services.GetRequiredService<RestartCoordinator>(),
            services.GetRequiredService<ILogger<BridgeSupervisor>>(), parts.Hurry));
        return builder;
    }
}
