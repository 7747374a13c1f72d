using Microsoft.Extensions.Logging;
using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Settings;
using NsBridge.Namespaces;

namespace NsBridge.Bridges.Lifecycle;

/// <summary>Makes bridges out of what they share. Disposed before the loops, which its tracking of namespaces calls.</summary>
internal sealed class BridgeFactory(
    LoopGroup loops, DescriptorBudget descriptors, ListeningSockets listening, ILoggerFactory logging, NamespaceWatch? namespaces = null)
    : IDisposable
{
    private readonly AccessLog _access = new(logging.CreateLogger<AccessLog>());

    /// <summary>Tracks the namespaces of all bridges.</summary>
    public NamespaceWatch Namespaces { get; } = namespaces ?? new();

    /// <param name="settings">The bridge.</param>
    /// <param name="before">The bridge of the same name that this one replaces: its counters and limits continue.</param>
    public Bridge Create(BridgeSettings settings, Bridge? before = null)
    {
        var log = new BridgeLog(logging.CreateLogger<Bridge>(), settings.Name, _access);
        var clients = new BridgeClients(settings, before?.Clients, loops.Loops.Count, descriptors, log);
        var halves = new HalfFactory(loops, Namespaces, descriptors, listening);
        return new Bridge(settings, loops.ChooseHome(), Namespaces, listening, halves, clients, log, before?.Settings.Listen);
    }

    /// <inheritdoc cref="NamespaceWatch.RenewProcesses"/>
    public void RenewProcesses() => Namespaces.RenewProcesses();

    public void Dispose()
    {
        Namespaces.Dispose();
        _access.Dispose();
    }
}
