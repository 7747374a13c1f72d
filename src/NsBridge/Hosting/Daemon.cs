using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Configuration.Reading;
using NsBridge.Control;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Metrics;
using NsBridge.Systemd;

namespace NsBridge.Hosting;

/// <summary>The daemon: a generic host whose services are the bridges.</summary>
internal static class Daemon
{
    /// <summary>For some 8,000 connections, and as many restored ones: 128 KiB of kernel memory.</summary>
    private const int ExpectedDescriptors = 16_384;

    /// <summary>Servers of short requests: the control socket and the metrics.</summary>
    private const int Servers = 2;

    /// <summary>Runs until <paramref name="stop"/>, then until connections have drained or <paramref name="hurry"/>.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="UserErrorException">The configuration is wrong, or no bridge can work without a missing privilege.</exception>
    public static async Task<int> RunAsync(string? configFile, CancellationToken stop, CancellationToken hurry)
    {
        DescriptorTable.GrowAside(ExpectedDescriptors);
        ILookup<bool, ActivationFd> handed = ListenFds.Take()
            .ToLookup(descriptor => descriptor.Name.StartsWith(SnapshotStore.NamePrefix, StringComparison.Ordinal));
        using ActivationSockets sockets = ActivationSockets.Adopt(handed[false]);
        using NotifySocket? manager = NotifySocket.FromEnvironment();
        ConfigurationLoader loader = ConfigurationLoader.ForProcess(configFile);
        ConfigurationOutcome outcome = loader.Load();
        if (outcome.Settings is not { } settings)
            throw Refused(outcome, manager);
        Privileges.Require(settings);

        HostApplicationBuilder builder = BridgeHost.Compose(
            new BridgeHostParts(outcome, sockets, manager is null ? null : new FdStore(manager))
            {
                ShortSessions = Servers * ShortRequestServer.MostSessions,
                Hurry = hurry,
            });
        builder.Services.AddSingleton(loader);
        builder.Services.AddSingleton<IHeartbeat>(services => services.GetRequiredService<LoopGroup>());
        builder.Services.AddSingleton<IBridgeReports>(services => services.GetRequiredService<BridgeSupervisor>());
        builder.Services.AddSingleton<IBridgeConnections>(services => services.GetRequiredService<BridgeSupervisor>());
        builder.Services.AddSingleton<IStatusLine>(services => services.GetRequiredService<BridgeSupervisor>());
        // Hosted services start in this order. The control socket first: it refuses a second daemon. The supervisor last of those whose
        // start may fail: no other can lose what it restored.
        builder.Services.AddHostedService<ControlSocket>();
        builder.Services.AddHostedService<MetricsServer>();
        builder.Services.AddHostedService(services => services.GetRequiredService<BridgeSupervisor>());
        builder.Services.AddHostedService<ConfigurationReloader>();
        builder.Services.AddSystemdOperation(manager);
        builder.Services.AddHostedService<StartMemory>();
        using IHost host = builder.Build();
        BridgeSupervisor supervisor = host.Services.GetRequiredService<BridgeSupervisor>();
        supervisor.Restore([.. handed[true]]);
        return await HostRun.ToEndAsync(host, supervisor.GiveBackAsync, stop);
    }

    /// <summary>Under systemd the message and <c>systemctl status</c> also say the way on: a failed unit cannot be reloaded.</summary>
    private static UserErrorException Refused(ConfigurationOutcome outcome, NotifySocket? manager)
    {
        string faults = outcome.FaultText;
        if (manager is not null)
        {
            string cure = $"'nsbridge check --config {outcome.File}' lists them; 'systemctl restart nsbridge' starts it then "
                + "('systemctl reload' needs a running daemon)";
            manager.Send(PlainText.Line($"STATUS=not started, {outcome.FaultCount} in the configuration: {cure}"));
            faults = $"{faults}{Environment.NewLine}not started; {cure}";
        }
        return new UserErrorException(faults, ExitCode.Configuration);
    }
}
