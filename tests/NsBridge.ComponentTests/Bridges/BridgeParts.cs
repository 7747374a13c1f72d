using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.Bridges;
using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Lifecycle;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Settings;
using NsBridge.Hosting;
using NsBridge.HotRestart;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Systemd;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>The parts that bridges share, with one event loop.</summary>
internal sealed class BridgeParts : IDisposable
{
    /// <param name="activation">The sockets that systemd passed; they stay the caller's.</param>
    /// <param name="logging">Gets the logs.</param>
    public BridgeParts(ActivationSockets activation, ILoggerFactory? logging = null)
    {
        logging ??= NullLoggerFactory.Instance;
        Group = new LoopGroup(1, mayRing: false);
        Descriptors = new DescriptorBudget(servers: 0, logging.CreateLogger<DescriptorBudget>());
        Listening = new ListeningSockets(activation, Inherited, Descriptors);
        Factory = new BridgeFactory(Group, Descriptors, Listening, logging);
    }

    public LoopGroup Group { get; }

    public EventLoop Loop => Group.Loops[0];

    public DescriptorBudget Descriptors { get; }

    public InheritedListeners Inherited { get; } = new();

    public ListeningSockets Listening { get; }

    public BridgeFactory Factory { get; }

    public NamespaceWatch Namespaces => Factory.Namespaces;

    public HalfFactory Halves => new(Group, Namespaces, Descriptors, Listening);

    public BridgeSupervisor Supervise(DaemonSettings settings, RestartCoordinator restart, ILogger<BridgeSupervisor> log) =>
        new(settings, Factory, Listening, Descriptors, restart, log);

    public void Dispose()
    {
        Listening.Dispose();
        Factory.Dispose();
        Group.Dispose();
    }
}
