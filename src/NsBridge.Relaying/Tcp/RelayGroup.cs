using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Tcp;

/// <summary>The relays of one bridge on one loop, and what they have in common. Used on the loop's thread, except <see
/// cref="Counters"/>.</summary>
public sealed class RelayGroup
{
    private readonly Stack<Relay> _ended = new();
    private readonly HashSet<ClosingSocket> _closing = [];
    private Relay? _first;

    /// <param name="loop">The loop that owns every relay of the group.</param>
    /// <param name="counters">Their counters.</param>
    /// <param name="settled">Called with the target's socket when a relay is as old as <see cref="KeepAliveDelayMilliseconds"/>.</param>
    /// <param name="ended">Called when a relay has ended and its sockets are closed or closing.</param>
    /// <param name="closing"> Called with true for each socket of an ending relay that stays open until its peer has acknowledged
    /// everything, and with false when it is closed. </param>
    public RelayGroup(
        EventLoop loop, RelayCounters counters, Action<int, SocketKind> settled, Action<Relay, RelayOutcome> ended, Action<bool> closing)
    {
        Loop = loop;
        Resources = RelayResources.Of(loop);
        Counters = counters;
        Settled = settled;
        Ended = ended;
        Closing = closing;
    }

    public EventLoop Loop { get; }

    public RelayCounters Counters { get; }

    internal RelayResources Resources { get; }

    /// <summary>Milliseconds without a byte either way after which a relay ends; 0 for never.</summary>
    public long IdleTimeout { get; set; }

    /// <summary>Milliseconds between two checks of a relay's peers; 0 for none. A peer that has answered nothing for
    /// <see cref="SilentChecks"/> times as long is reset, whatever is under way to it.</summary>
    public long KeepAlive { get; init; }

    internal long CheckInterval => KeepAlive > 0 ? KeepAlive : long.MaxValue;

    private const int SilentChecks = 8;

    /// <summary>So many unanswered retransmissions or probes prove more than one lost packet.</summary>
    private const int SilentTries = 3;

    /// <summary>The age from which on a connection gets what only long ones need.</summary>
    public const int KeepAliveDelayMilliseconds = 50;

    internal Action<int, SocketKind> Settled { get; }

    private Action<Relay, RelayOutcome> Ended { get; }

    private Action<bool> Closing { get; }

    /// <summary>Starts a relay in the slot of <paramref name="source"/>. If the sockets are watched, that source has watched both for <see
    /// cref="Relay.Interest"/>.</summary>
    /// <param name="source">The owner of the loop's slot until now.</param>
    /// <param name="ends">The two connected sockets, which the relay owns from here on.</param>
    /// <param name="origin">Where the connection came from.</param>
    /// <param name="cookie">The target's network namespace.</param>
    /// <param name="greeting">Bytes that the target receives first; may be empty.</param>
    public void Start(
        EventSource source, in RelaySockets ends, in ConnectionOrigin origin, ulong cookie, ReadOnlySpan<byte> greeting)
    {
        Relay relay = Link();
        Loop.Replace(source, relay);
        relay.Begin(ends, origin, cookie, greeting);
    }

    /// <summary>Resumes a relay that another group or process has suspended. The group owns its sockets from here on.</summary>
    /// <param name="state">The suspended relay.</param>
    /// <param name="connectionId">The owner's id of the connection.</param>
    public void Resume(RelayState state, ulong connectionId)
    {
        Relay relay = Link();
        Loop.Attach(relay);
        relay.Resume(state, connectionId);
    }

    /// <summary>Suspends every relay and gives it away, without reporting an end. Leaves closing sockets to the kernel.</summary>
    public IReadOnlyList<RelayState> Suspend()
    {
        HandToKernel();
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

    /// <summary>Leaves closing sockets to the kernel.</summary>
    public void HandToKernel()
    {
        foreach (ClosingSocket socket in _closing.ToArray())
            socket.HandToKernel();
    }

    private Relay Link()
    {
        if (!_ended.TryPop(out Relay? relay))
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
        // A relay that has yielded is still in the loop's queue, and must not be used again before its turn.
        if (!relay.IsQueued)
            _ended.Push(relay);
    }

    /// <summary>Whether the peer of a socket has vanished, as far as <see cref="KeepAlive"/> says when. A reader that pauses answers the
    /// probes of its closed window.</summary>
    internal bool HasVanished(int descriptor) =>
        KeepAlive > 0 && Libc.SilentMilliseconds(descriptor, SilentTries) >= SilentChecks * KeepAlive;

    /// <summary>Closes a socket of an ending relay: a TCP socket in a foreign namespace only when its peer has acknowledged everything. A
    /// peer on this machine acknowledges a FIN at once.</summary>
    internal void Close(ref RelaySocket socket, ulong cookie, bool isClient, bool isWatched, IdleTimer idle)
    {
        if (socket.Kind == SocketKind.Tcp && cookie != NetworkNamespace.OwnCookie)
        {
            if (!socket.FinSent)
                socket.SendFin();
            if (socket.UnackedBytes > 0)
            {
                if (isWatched)
                    Loop.Unwatch(socket.Descriptor);
                Closing(true);
                _closing.Add(new ClosingSocket(this, socket.Descriptor, cookie, isClient, idle));
                return;
            }
        }
        socket.Close();
    }

    /// <summary>A closing socket is closed.</summary>
    internal void OnClosed(ClosingSocket socket)
    {
        _closing.Remove(socket);
        Closing(false);
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

    /// <summary>Resets the relays, and the closing sockets of targets, in all namespaces but one.</summary>
    /// <param name="cookie">The namespace whose relays go on; 0: none does.</param>
    /// <returns>How many relays were reset.</returns>
    public int AbortAllBut(ulong cookie) => Abort(
        relay => cookie == 0 || relay.Cookie != cookie,
        socket => !socket.IsClient && (cookie == 0 || socket.Cookie != cookie));

    /// <summary>Resets the relays, and the closing sockets, of TCP clients in a network namespace.</summary>
    /// <param name="cookie">The clients' namespace.</param>
    /// <returns>How many relays were reset.</returns>
    public int AbortClientsIn(ulong cookie) => Abort(
        relay => relay.HasClientIn(cookie),
        socket => socket.IsClient && socket.Cookie == cookie);

    /// <summary>Resets relays.</summary>
    /// <returns>How many.</returns>
    public int AbortWhere(Func<Relay, bool> isMeant) => Abort(isMeant, static _ => false);

    /// <summary>A copy of the list of relays.</summary>
    public Relay[] All()
    {
        var relays = new List<Relay>();
        for (Relay? relay = _first; relay is not null; relay = relay.Next)
            relays.Add(relay);
        return [.. relays];
    }

    private int Abort(Func<Relay, bool> isMeant, Func<ClosingSocket, bool> isMeantToo)
    {
        foreach (ClosingSocket socket in _closing.Where(isMeantToo).ToArray())
            socket.Reset();
        int count = 0;
        for (Relay? relay = _first; relay is not null;)
        {
            Relay? next = relay.Next;
            if (isMeant(relay))
            {
                relay.Abort(new RelayOutcome(EndReason.Aborted));
                count++;
            }
            relay = next;
        }
        return count;
    }

    /// <summary>Sets the idle timeout, for running relays too.</summary>
    public void ChangeIdleTimeout(long milliseconds)
    {
        IdleTimeout = milliseconds;
        for (Relay? relay = _first; relay is not null; relay = relay.Next)
            relay.StartTimer();
    }
}
