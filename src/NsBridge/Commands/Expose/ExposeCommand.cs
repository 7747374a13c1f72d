using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Values;
using NsBridge.Control;
using NsBridge.Hosting;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Namespaces;
using NsBridge.Systemd;

namespace NsBridge.Commands.Expose;

/// <param name="Namespace">As in the configuration, and valid.</param>
/// <param name="Targets">As in the configuration, or a bare port; each is valid.</param>
/// <param name="Listen">As in the configuration, also with port 0; null for the target's port on loopback.</param>
/// <param name="Udp">Whether the bridges are UDP ones.</param>
/// <param name="Into">Whether the listener is inside the namespace and the target on the host.</param>
/// <param name="Allow">Networks that may connect; empty for everyone.</param>
/// <param name="Join">As in the configuration; null for the default.</param>
/// <param name="Json">Whether bridges are printed as JSON.</param>
internal sealed record ExposeOptions(
    string Namespace, IReadOnlyList<string> Targets, string? Listen, bool Udp, bool Into, IReadOnlyList<string> Allow, string? Join,
    bool Json);

/// <summary><c>nsbridge expose</c>: runs bridges of the command line, without a file, until it is stopped.</summary>
internal static class ExposeCommand
{
    private static readonly TimeSpan s_lastLines = TimeSpan.FromMilliseconds(100);

    public static async Task<int> RunAsync(ExposeOptions options, CancellationToken stop)
    {
        _ = NamespaceReference.TryParse(options.Namespace, out NamespaceReference place, out _);
        using var ends = new EndWatch(place.Pid, options.Json);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task watching = ends.RunAsync(end);
        try
        {
            return await RunAsync(options, place, end);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            return ExitCode.Success;
        }
        finally
        {
            await end.CancelAsync();
            await watching;
        }
    }

    private static async Task<int> RunAsync(ExposeOptions options, NamespaceReference place, CancellationTokenSource end)
    {
        UserErrorException? refusal = null;
        // Without privilege a process of this user may still be reached; a namespace's file may not.
        bool isRootless = !NetworkNamespace.MayReturn && place.Kind is not (NamespaceKind.Host or NamespaceKind.Name or NamespaceKind.Path);
        using ActivationSockets sockets = ActivationSockets.Adopt([]);
        var inherited = new InheritedListeners();
        var namespaces = new NamespaceWatch((reference, changed) => isRootless && reference == place
            ? new RootlessResolver(NamespaceResolvers.For(reference, changed), changed, Refuse)
            : NamespaceResolvers.For(reference, changed));
        IReadOnlyList<string>? listen = null;
        if (options.Listen is { } text && OpenPort.IsMeant(text))
        {
            try
            {
                NamespaceTracker where = namespaces.Acquire(options.Into ? place : NamespaceReference.Host);
                listen = await OpenPort.ChooseAsync(options, where, inherited, end.Token);
            }
            catch (OperationCanceledException) when (refusal is not null)
            {
                throw refusal;
            }
        }
        ConfigurationOutcome configuration = ExposedBridges.Configure(options, listen);
        if (!isRootless)
            Privileges.Require(configuration.SettingsOrFault());

        var serving = Channel.CreateUnbounded<string>();
        HostApplicationBuilder builder = BridgeHost.Compose(new BridgeHostParts(configuration, sockets)
        {
            Inherited = inherited,
            AroundLog = place => new FirstUpFilter(place, serving.Writer),
        });
        // It reports a missing privilege, which such a namespace does not need.
        if (isRootless)
            builder.Logging.AddFilter(typeof(BridgeSupervisor).FullName, LogLevel.Error);
        builder.Services.AddSingleton(namespaces);
        builder.Services.AddHostedService(services => services.GetRequiredService<BridgeSupervisor>());
        using IHost host = builder.Build();
        Task printing = PrintAsync(serving.Reader, host.Services.GetRequiredService<BridgeSupervisor>(), options.Json, end);
        int code = await HostRun.ToEndAsync(host, () => Task.CompletedTask, end.Token);
        serving.Writer.Complete();
        // Nobody may be reading standard output.
        await Task.WhenAny(printing, Task.Delay(s_lastLines, CancellationToken.None));
        if (printing.IsFaulted)
            await printing;
        return refusal is null ? code : throw refusal;

        void Refuse(UserErrorException fault)
        {
            refusal = fault;
            _ = end.CancelAsync();
        }
    }

    /// <summary>Prints each bridge that begins to serve. What cannot be printed ends the command if a program was to read it.</summary>
    private static async Task PrintAsync(ChannelReader<string> serving, BridgeSupervisor bridges, bool isJson, CancellationTokenSource end)
    {
        try
        {
            await foreach (string name in serving.ReadAllAsync())
            {
                BridgeReport report = bridges.Snapshot().First(report => report.Name == name);
                await Console.Out.WriteLineAsync(
                    isJson ? JsonSerializer.Serialize(BridgeStatus.Of(report), StatusJson.Default.BridgeStatus) : LineOf(report));
            }
        }
        catch (Exception fault) when (fault is OutputClosedException or UserErrorException)
        {
            if (!isJson)
                return;
            await end.CancelAsync();
            if (fault is UserErrorException)
                throw;
        }
    }

    private static string LineOf(BridgeReport report)
    {
        string inside = report.ListenNamespace == NamespaceReference.Host.Text ? "" : $" in {report.ListenNamespace}";
        return $"{string.Join(", ", report.Listen)}{inside} -> {report.NamespaceReference} -> {report.Target}";
    }
}
