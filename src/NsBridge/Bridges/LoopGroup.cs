using Microsoft.Extensions.Logging;
using NsBridge.Bridges.Admission;
using NsBridge.HotRestart;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Tcp;
using NsBridge.Systemd;

namespace NsBridge.Bridges;

/// <summary>What all bridges share: the event loops, the watch over namespaces, and the process's descriptors.</summary>
internal sealed class LoopGroup : IHeartbeat, IDisposable
{
    private readonly EventLoop[] _loops;
    private int _nextHome;
    private int _bindings;

    /// <param name="loops">How many event loops; 0 chooses.</param>
    /// <param name="mayRing">Whether small messages may go by io_uring(7).</param>
    /// <param name="servers">Descriptors that the process's own servers may open at most.</param>
    /// <param name="sockets">Listening sockets that systemd handed over.</param>
    /// <param name="logging">Makes the loggers.</param>
    /// <param name="mayPoll">Whether a loop may poll for events before it sleeps, if that pays.</param>
    public LoopGroup(int loops, bool mayRing, int servers, ActivationSockets sockets, ILoggerFactory logging, bool mayPoll = true)
    {
        Sockets = sockets;
        Logging = logging;
        Descriptors = new DescriptorBudget(servers, logging.CreateLogger<DescriptorBudget>());
        Namespaces = new NamespaceWatch();
        // The services and their clients need processors too. Measured on two cores: a second loop gains nothing and triples
        // the 99th percentile of 64 ping-pongs.
        int count = loops > 0 ? loops : Math.Clamp(Environment.ProcessorCount / 2, 1, 16);
        _loops = new EventLoop[count];
        for (int i = 0; i < count; i++)
        {
            _loops[i] = new EventLoop(i, mayPoll);
            if (mayRing)
                RelayResources.AllowRing(_loops[i]);
        }
    }

    public IReadOnlyList<EventLoop> Loops => _loops;

    public NamespaceWatch Namespaces { get; }

    public DescriptorBudget Descriptors { get; }

    public ActivationSockets Sockets { get; }

    /// <summary>Listening sockets without a bridge, for the one that wants them.</summary>
    public InheritedListeners Kept { get; } = new();

    /// <summary>Changes whenever a bridge has bound listeners.</summary>
    public int Bindings => Volatile.Read(ref _bindings);

    /// <summary>A bridge has bound its listeners.</summary>
    public void OnBound() => Interlocked.Increment(ref _bindings);

    public ILoggerFactory Logging { get; }

    /// <summary>The loop a bridge's listeners live on: each bridge the next.</summary>
    public EventLoop ChooseHome() => _loops[(int)((uint)Interlocked.Increment(ref _nextHome) % (uint)_loops.Length)];

    /// <summary>The loop with the fewest relays; <paramref name="preferred"/> where several have as few.</summary>
    public EventLoop ChooseRelay(EventLoop preferred)
    {
        EventLoop chosen = preferred;
        foreach (EventLoop loop in _loops)
        {
            if (loop.Load < chosen.Load)
                chosen = loop;
        }
        return chosen;
    }

    public Task BeatAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_loops.Select(loop => loop.InvokeAsync(static () => { })));

    public void Dispose()
    {
        Kept.CloseRest();
        Namespaces.Dispose();
        foreach (EventLoop loop in _loops)
            loop.Dispose();
    }
}
