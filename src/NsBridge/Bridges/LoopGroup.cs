using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Tcp;
using NsBridge.Systemd;

namespace NsBridge.Bridges;

/// <summary>The event loops that all bridges share.</summary>
internal sealed class LoopGroup : IHeartbeat, IDisposable
{
    private readonly EventLoop[] _loops;
    private int _nextHome;

    /// <param name="loops">How many event loops; 0 chooses.</param>
    /// <param name="mayRing">Whether small messages may go by io_uring(7).</param>
    /// <param name="mayPoll">Whether a loop may poll for events before it sleeps, if that pays.</param>
    public LoopGroup(int loops, bool mayRing, bool mayPoll = true)
    {
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

    /// <summary>The loop for the listeners of the next bridge, in turn.</summary>
    public EventLoop ChooseHome() => _loops[(int)((uint)Interlocked.Increment(ref _nextHome) % (uint)_loops.Length)];

    /// <summary>The loop with the fewest relays; <paramref name="preferred"/> if none has fewer.</summary>
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

    public Task BeatAsync(CancellationToken cancellationToken) => Task.WhenAll(_loops.Select(loop => loop.InvokeAsync(static () => { })));

    public void Dispose()
    {
        foreach (EventLoop loop in _loops)
            loop.Dispose();
    }
}
