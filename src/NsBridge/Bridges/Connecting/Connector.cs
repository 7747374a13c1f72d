using NsBridge.Bridges.Listening;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Connecting;

/// <summary>
/// Connects admitted clients of one bridge to its target, on one loop: enters the namespace once for all that come together,
/// parks them while the target is not there, and hands them to the relay. All on the loop's thread.
/// </summary>
internal sealed partial class Connector : EventSource
{
    private readonly NamespaceTracker _place;
    private readonly IConnectorOwner _owner;
    private readonly RelayGroup _relays;
    private readonly Stack<ConnectAttempt> _idle = new();
    private readonly ConnectAttempts _dialling = new();
    private readonly ParkedClients _parked = new();

    /// <param name="loop">Where everything of it lives.</param>
    /// <param name="place">The target's namespace.</param>
    /// <param name="plan">The target.</param>
    /// <param name="counters">What the relays count on.</param>
    /// <param name="owner">Told of every end.</param>
    public Connector(EventLoop loop, NamespaceTracker place, ConnectTarget plan, RelayCounters counters, IConnectorOwner owner)
    {
        Loop = loop;
        _place = place;
        Plan = plan;
        _owner = owner;
        _relays = new RelayGroup(
            loop,
            counters,
            settled: (target, kind) => ApplyKeepAlive(target, kind),
            ended: (relay, outcome) => owner.OnEnded(relay.Peer, relay.ConnectionId, outcome, relay.BytesToTarget, relay.BytesToClient),
            closing: owner.OnClosing);
        loop.Attach(this);
    }

    public EventLoop Loop { get; }

    /// <summary>Where everybody is dialled to who has no target yet, whenever he came.</summary>
    public ConnectTarget Plan { get; private set; }

    /// <summary>Clients on their way, and relays.</summary>
    public int Count => _dialling.Count + _parked.Count + (int)_relays.Counters.Active;

    /// <summary>Takes over clients that came together.</summary>
    /// <param name="accepted">The clients.</param>
    /// <param name="age">Milliseconds that they have waited already.</param>
    public void Connect(ReadOnlySpan<AcceptedClient> accepted, long age = 0)
    {
        Span<int> sockets = stackalloc int[accepted.Length];
        int made = OpenSockets(Plan.Family(0), sockets, out ulong cookie, out EnterFailure failure);
        int queuedAt = -1;
        for (int i = 0; i < accepted.Length; i++)
        {
            if (!_idle.TryPop(out ConnectAttempt? dial))
                dial = new ConnectAttempt(this);
            dial.Take(accepted[i], age);
            _dialling.Add(dial);
            if (i >= made)
            {
                Unreachable(dial, failure);
            }
            else if (_parked.ShouldQueue(accepted[i].Offset, out Errno shortage) && CanPark(dial, shortage))
            {
                // The target may have come back this very moment: who waits for it is served before who comes now.
                Libc.Close(sockets[i]);
                Park(dial, shortage);
                queuedAt = accepted[i].Offset;
            }
            else
            {
                dial.Connect(sockets[i], cookie);
            }
        }
        // Those who come together came to one port, unless they waited for the join: who came to another has his turn with the others.
        if (queuedAt >= 0)
            Retry(_parked.Next(queuedAt, 1), Plan.ConnectTimeout);
    }

    // Four calls that only a connection of some age has use for.
    private void ApplyKeepAlive(int target, SocketKind kind)
    {
        if (kind == SocketKind.Tcp)
            TcpOptions.KeepAlive(target, Plan.KeepAlive);
    }

    private int OpenSockets(int family, Span<int> sockets, out ulong cookie, out EnterFailure failure)
    {
        int made = _place.OpenSockets(family, Libc.SOCK_STREAM, sockets, out cookie, out failure);
        // What a dial sees is newer than what the watch saw: let it look, so that connections into the old namespace end.
        if (made == 0 ? _place.State.CanEnter && !failure.IsExhaustion : cookie != _place.State.Cookie)
            _owner.OnPlaceMoved();
        return made;
    }

    /// <summary>Dials by a new socket, for the address that is the dial's turn.</summary>
    internal void DialAgain(ConnectAttempt dial)
    {
        Span<int> socket = stackalloc int[1];
        if (OpenSockets(dial.Family, socket, out ulong cookie, out EnterFailure failure) == 1)
            dial.Connect(socket[0], cookie);
        else
            Unreachable(dial, failure);
    }

    internal void Establish(ConnectAttempt dial, in RelaySockets ends, ReadOnlySpan<byte> greeting, long microseconds)
    {
        AcceptedClient accepted = dial.Accepted;
        Forget(dial);
        _owner.OnConnected(microseconds);
        _relays.Start(dial, ends, accepted.Peer, dial.Cookie, accepted.Number, greeting);
        _idle.Push(dial);
        Follow(accepted.Offset, TimeSpan.FromMicroseconds(microseconds));
    }

    /// <summary>The client went away by itself.</summary>
    internal void Abandon(ConnectAttempt dial) => End(dial, new RelayOutcome(EndReason.ClientReset));

    protected override void OnEvents(uint events, int end)
    {
    }

    /// <summary>
    /// Resets every connection into another namespace than this one (0: into any), and ends every attempt to make one: who is on his way waits for the
    /// next namespace, where he may.
    /// </summary>
    /// <returns>How many clients were reset.</returns>
    public int AbortAllBut(ulong cookie)
    {
        int count = _relays.AbortAllBut(cookie);
        foreach (ConnectAttempt dial in Waiting(dial => cookie == 0 || dial.Cookie != cookie))
        {
            dial.Restart();
            if (dial.Parked is not null)
                continue;
            if (CanPark(dial, Errno.None))
            {
                Park(dial, Errno.None);
                continue;
            }
            End(dial, new RelayOutcome(EndReason.Aborted));
            count++;
        }
        return count;
    }

    /// <summary>Resets every TCP client who is in a network namespace: connected, on his way or parked.</summary>
    /// <returns>How many there were.</returns>
    public int AbortClientsIn(ulong cookie)
    {
        int count = _relays.AbortClientsIn(cookie);
        foreach (ConnectAttempt dial in Waiting(dial => dial.Accepted.IsIn(cookie)))
        {
            End(dial, new RelayOutcome(EndReason.Aborted));
            count++;
        }
        return count;
    }

    /// <summary>Brings everything to rest, gives it away and leaves the loop. Who is on his way to the target goes without it: he is dialled for anew.</summary>
    /// <param name="bridge">The bridge's name.</param>
    /// <param name="role">What a connection with that number is in the bridge.</param>
    public IEnumerable<ConnectionSnapshot> Suspend(string bridge, Func<ulong, ConnectionRole> role)
    {
        var carried = new List<ConnectionSnapshot>();
        foreach (RelayState state in _relays.Suspend())
            carried.Add(new ConnectionSnapshot(bridge, role(state.ConnectionId), state));
        carried.AddRange(ReleasePending(bridge, role));
        Loop.Detach(this);
        return carried;
    }

    /// <summary>Gives away those who have no target yet, on their way or parked.</summary>
    /// <inheritdoc cref="Suspend"/>
    public IReadOnlyList<ConnectionSnapshot> ReleasePending(string bridge, Func<ulong, ConnectionRole> role)
    {
        var waiting = new List<ConnectionSnapshot>();
        foreach (ConnectAttempt dial in Waiting(static _ => true))
        {
            AcceptedClient accepted = dial.Accepted;
            waiting.Add(ConnectionSnapshot.Waiting(bridge, role(accepted.Number), accepted.Client, accepted.Kind, accepted.Peer, accepted.Offset, dial.Age));
            Forget(dial);
            dial.CloseTarget();
            dial.UnwatchClient();
            Loop.Detach(dial);
        }
        return waiting;
    }

    /// <summary>Goes on with a relay that was suspended.</summary>
    public void Resume(RelayState state, ulong number) => _relays.Resume(state, number);

    /// <summary>Resets everything and leaves the loop.</summary>
    public void Stop()
    {
        _relays.HandToKernel();
        _relays.AbortAllBut(0);
        foreach (ConnectAttempt dial in Waiting(static _ => true))
            End(dial, new RelayOutcome(EndReason.Aborted));
        Loop.Detach(this);
    }

    /// <summary>Those who have no target yet, on their way or parked, as of now: they may go while they are gone through.</summary>
    private ConnectAttempt[] Waiting(Func<ConnectAttempt, bool> which) => [.. _dialling.All.Concat(_parked.All).Where(which)];

    private void End(ConnectAttempt dial, RelayOutcome outcome)
    {
        Forget(dial);
        dial.CloseTarget();
        Loop.Detach(dial);
        AcceptedClient accepted = dial.Accepted;
        accepted.Reset();
        _idle.Push(dial);
        _owner.OnEnded(accepted.Peer, accepted.Number, outcome, 0, 0);
    }

    private void Forget(ConnectAttempt dial)
    {
        _dialling.Remove(dial);
        _parked.Remove(dial);
    }
}
