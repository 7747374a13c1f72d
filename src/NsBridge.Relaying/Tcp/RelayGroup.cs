using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Tcp;

/// <summary>
/// The relays of one bridge on one loop: what they have in common, and the list of them. Used on the loop's thread alone, but
/// for <see cref="Counters"/>.
/// </summary>
public sealed class RelayGroup
{
    private readonly Stack<Relay> _idle = new();
    private Relay? _first;

    /// <param name="loop">The loop that owns every relay of the group.</param>
    /// <param name="counters">What they count on.</param>
    /// <param name="settled">Called with the target's socket when a relay has lived for <see cref="KeepAliveDelayMilliseconds"/>.</param>
    /// <param name="ended">Called when a relay has ended and its descriptors are closed, but for those of a lingering one.</param>
    /// <param name="lingers">Called with true before a relay ends that has still a socket open, for what a peer has to take, and with false when that is closed.</param>
    public RelayGroup(EventLoop loop, RelayCounters counters, Action<int, SocketKind> settled, Action<Relay, RelayOutcome> ended, Action<bool> lingers)
    {
        Loop = loop;
        Resources = RelayResources.Of(loop);
        Counters = counters;
        Settled = settled;
        Ended = ended;
        Lingers = lingers;
    }

    public EventLoop Loop { get; }

    public RelayCounters Counters { get; }

    internal RelayResources Resources { get; }

    /// <summary>Milliseconds without a byte either way after which a relay ends; 0 for never. Set before the relays that obey it begin.</summary>
    public long IdleTimeout { get; set; }

    /// <summary>The age from which on a connection is worth what only long ones need.</summary>
    public const int KeepAliveDelayMilliseconds = 50;

    internal Action<int, SocketKind> Settled { get; }

    internal Action<Relay, RelayOutcome> Ended { get; }

    internal Action<bool> Lingers { get; }

    /// <summary>
    /// Starts relaying in the place of <paramref name="source"/>. Where the ends are watched, that source has watched both, edge-triggered, for
    /// <see cref="Relay.Interest"/>.
    /// </summary>
    /// <param name="source">What held the loop's slot until now.</param>
    /// <param name="ends">The two connected sockets and what is known of them; the relay owns them from here on.</param>
    /// <param name="peer">The client, for the one who is told of the end.</param>
    /// <param name="cookie">The target's network namespace.</param>
    /// <param name="connectionId">What the owner knows the connection by.</param>
    /// <param name="greeting">Bytes the target gets before all others; may be empty.</param>
    public void Start(EventSource source, in RelaySockets ends, PeerAddress peer, ulong cookie, ulong connectionId, ReadOnlySpan<byte> greeting)
    {
        Relay relay = Link();
        Loop.Replace(source, relay);
        relay.Begin(ends, peer, cookie, connectionId, greeting);
    }

    /// <summary>Goes on with a relay that another group, or another process, has suspended. Its sockets belong to this group from here on.</summary>
    /// <param name="state">The relay at rest.</param>
    /// <param name="connectionId">What the owner knows the connection by.</param>
    public void Resume(RelayState state, ulong connectionId)
    {
        Relay relay = Link();
        Loop.Attach(relay);
        relay.Resume(state, connectionId);
    }

    /// <summary>Brings every relay to rest and gives it away with its sockets; nobody is told of an end. Those that are over are left to the kernel.</summary>
    public IReadOnlyList<RelayState> Suspend()
    {
        var states = new List<RelayState>();
        while (_first is { } relay)
        {
            if (relay.Suspend() is not { } state)
                continue;
            states.Add(state);
            Unlink(relay);
            Counters.AddActive(-1);
        }
        return states;
    }

    /// <summary>Leaves to the kernel what peers of relays that are over have still to take.</summary>
    public void LetGo()
    {
        for (Relay? relay = _first; relay is not null;)
        {
            Relay? next = relay.Next;
            if (relay.IsClosing)
                relay.LetGo();
            relay = next;
        }
    }

    private Relay Link()
    {
        if (!_idle.TryPop(out Relay? relay))
            relay = new Relay(this);
        relay.Next = _first;
        if (_first is not null)
            _first.Previous = relay;
        _first = relay;
        Counters.AddActive(1);
        Loop.AddLoad(1);
        return relay;
    }

    internal void Remove(Relay relay, RelayOutcome outcome)
    {
        Unlink(relay);
        Counters.AddActive(-1);
        Ended(relay, outcome);
        PutAway(relay);
    }

    /// <summary>A connection is over, and its relay stays for what a peer has still to take.</summary>
    internal void BeginLingering(Relay relay)
    {
        Lingers(true);
        Counters.AddActive(-1);
        Ended(relay, new RelayOutcome(EndReason.Closed));
    }

    internal void EndLingering(Relay relay)
    {
        Unlink(relay);
        Lingers(false);
        PutAway(relay);
    }

    private void PutAway(Relay relay)
    {
        // A relay that waits for a turn of the loop is still in its queue, and must not be given out again before it came.
        if (!relay.IsQueued)
            _idle.Push(relay);
    }

    private void Unlink(Relay relay)
    {
        if (relay.Previous is null)
            _first = relay.Next;
        else
            relay.Previous.Next = relay.Next;
        if (relay.Next is not null)
            relay.Next.Previous = relay.Previous;
        relay.Next = relay.Previous = null;
        Loop.Detach(relay);
        Loop.AddLoad(-1);
    }

    /// <summary>Resets the relays into every namespace but one.</summary>
    /// <param name="cookie">The namespace whose relays go on; 0: none does.</param>
    /// <returns>How many were reset that were not over.</returns>
    public int AbortAllBut(ulong cookie) => AbortWhere(relay => cookie == 0 || relay.Cookie != cookie, isClient: false);

    /// <summary>Resets the relays of TCP clients who are in a network namespace.</summary>
    /// <param name="cookie">The clients' namespace.</param>
    /// <returns>How many were reset that were not over.</returns>
    public int AbortClientsIn(ulong cookie) => AbortWhere(relay => relay.HasClientIn(cookie), isClient: true);

    /// <summary>Resets relays whole, and of those that are over the one side.</summary>
    private int AbortWhere(Func<Relay, bool> isMeant, bool isClient)
    {
        int count = 0;
        for (Relay? relay = _first; relay is not null;)
        {
            Relay? next = relay.Next;
            if (isMeant(relay) && relay.AbortUnlessClosing(isClient))
                count++;
            relay = next;
        }
        return count;
    }

    /// <summary>Sets the idle timeout for running relays too.</summary>
    public void ChangeIdleTimeout(long milliseconds)
    {
        IdleTimeout = milliseconds;
        for (Relay? relay = _first; relay is not null; relay = relay.Next)
            relay.RestartTimer();
    }
}
