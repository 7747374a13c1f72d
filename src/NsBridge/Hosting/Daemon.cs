using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Control;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Logging;
using NsBridge.Systemd;

namespace NsBridge.Hosting;

/// <summary>The daemon: a generic host whose services are the bridges.</summary>
internal static class Daemon
{
    /// <summary>What stopping may take beyond <c>ShutdownTimeout</c>: closing sockets and removing files.</summary>
    private static readonly TimeSpan s_stopMargin = TimeSpan.FromSeconds(5);

    /// <summary>For some 8,000 connections, and all that the process before may have left of as many: 128 KiB of the kernel's memory.</summary>
    private const int ExpectedDescriptors = 16_384;

    /// <summary>Servers of short requests: the control socket and the metrics.</summary>
    private const int Servers = 2;

    /// <summary>What a stop may take by these settings. A reload may change it.</summary>
    public static TimeSpan StopWithin(DaemonSettings settings) => settings.ShutdownTimeout + s_stopMargin;

    /// <summary>Runs until <paramref name="stop"/>, and then as long as connections may take to end or until <paramref name="hurry"/>.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="UserErrorException">The configuration is wrong, or a privilege is missing without which no bridge can work.</exception>
    public static async Task<int> RunAsync(string? configFile, CancellationToken stop, CancellationToken hurry)
    {
        DescriptorTable.GrowAside(ExpectedDescriptors);
        ILookup<bool, ActivationFd> handed = ListenFds.Take().ToLookup(descriptor => descriptor.Name.StartsWith(SnapshotStore.NamePrefix, StringComparison.Ordinal));
        using ActivationSockets sockets = ActivationSockets.Adopt(handed[false]);
        using NotifySocket? manager = NotifySocket.FromEnvironment();
        ConfigurationLoader loader = ConfigurationLoader.ForProcess(configFile);
        ConfigurationOutcome outcome = loader.Load();
        DaemonSettings settings = outcome.SettingsOrFault();
        Privileges.Require(settings);

        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddConfiguration(outcome.Root!);
        var levels = new LogLevels(settings.Logging);
        builder.Logging.AddConfiguration(new ConfigurationBuilder().Add(levels).Build().GetSection("Logging"));
        builder.Logging.AddJournalOrPlainLines();
        // A start that fails is told once, as what the command ends with.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        builder.Services.Configure<ConsoleLifetimeOptions>(options => options.SuppressStatusMessages = true);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = StopWithin(settings));
        builder.Services.AddNsBridgeConfiguration(outcome);
        builder.Services.AddSingleton(loader);
        builder.Services.AddSingleton(levels);
        builder.Services.AddSingleton(sockets);
        builder.Services.AddSingleton(services => new LoopGroup(settings.EventLoops, settings.IoUring, Servers * ShortRequestServer.MostSessions, sockets, services.GetRequiredService<ILoggerFactory>()));
        builder.Services.AddSingleton(services =>
            new RestartCoordinator(new SnapshotStore(manager is null ? null : new FdStore(manager)), services.GetRequiredService<ILogger<RestartCoordinator>>()));
        builder.Services.AddSingleton<IHeartbeat>(services => services.GetRequiredService<LoopGroup>());
        builder.Services.AddSingleton(services => new BridgeSupervisor(
            settings, services.GetRequiredService<LoopGroup>(), services.GetRequiredService<RestartCoordinator>(), services.GetRequiredService<ILogger<BridgeSupervisor>>(), hurry));
        builder.Services.AddSingleton<IBridgeReports>(services => services.GetRequiredService<BridgeSupervisor>());
        builder.Services.AddSingleton<IStatusLine>(services => services.GetRequiredService<BridgeSupervisor>());
        builder.Services.AddOperations();
        // Of those whose start may fail it is the last one: nothing that it has taken up can be lost by another.
        builder.Services.AddHostedService(services => services.GetRequiredService<BridgeSupervisor>());
        builder.Services.AddHostedService<ConfigurationReloader>();
        builder.Services.AddSystemdOperation(manager);
        builder.Services.AddHostedService<StartMemory>();
        using IHost host = builder.Build();
        BridgeSupervisor fleet = host.Services.GetRequiredService<BridgeSupervisor>();
        fleet.Restore([.. handed[true]]);
        return await HostRun.ToEndAsync(host, fleet.GiveBackAsync, stop);
    }
}
