using System.Buffers;
using NsBridge.Bridges.Listening;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Connecting;

/// <summary>Connects admitted clients of one bridge to its target, on one loop: enters the namespace once for all that come together,
/// parks them while the target is missing, and passes them to the relays. On the loop's thread.</summary>
internal sealed class Connector
{
    private const int RetryMilliseconds = 100;
    /// <summary>A connect that takes so many times as long as a successful one is restarted: it began before the target was back.</summary>
    private const int TimesASuccess = 4;

    private readonly NamespaceTracker _place;
    private readonly IConnectorOwner _owner;
    private readonly LoopTimer _retry;
    private readonly Stack<ConnectAttempt> _idle = new();
    private readonly HashSet<ConnectAttempt> _connecting = [];
    private readonly ParkedClients _parked;
    private readonly FailureText _failure = new();

    public Connector(EventLoop loop, NamespaceTracker place, ConnectTarget target, RelayCounters counters, IConnectorOwner owner)
    {
        Loop = loop;
        _place = place;
        Target = target;
        _owner = owner;
        _parked = new ParkedClients(counters);
        _retry = new LoopTimer(loop, Retry);
        Relays = new RelayGroup(
            loop, counters,
            settled: (socket, kind) =>
            {
                if (kind == SocketKind.Tcp)
                    TcpOptions.KeepAlive(socket, Target.KeepAlive);
            },
            ended: (relay, outcome) => owner.OnEnded(relay.Origin, outcome, relay.BytesToTarget, relay.BytesToClient),
            closing: owner.OnClosing)
        { KeepAlive = (long)target.KeepAlive.TotalMilliseconds };
    }

    public EventLoop Loop { get; }
    public RelayGroup Relays { get; }

    /// <summary>The target of every client without a connection, whenever it came.</summary>
    public ConnectTarget Target { get; private set; }

    /// <summary>Takes over clients that came together.</summary>
    /// <param name="accepted">The clients; their sockets belong to the connector from here on.</param>
    /// <param name="age">Milliseconds that they have waited already.</param>
    public void Connect(ReadOnlySpan<AcceptedClient> accepted, long age = 0)
    {
        int family = Target.Family(Target.FirstFor(accepted[0].Peer));
        Span<int> sockets = stackalloc int[accepted.Length];
        int made = OpenSockets(family, sockets, out ulong cookie, out EnterFailure failure);
        int queuedAt = -1;
        for (int i = 0; i < accepted.Length; i++)
        {
            if (!_idle.TryPop(out ConnectAttempt? attempt))
                attempt = new ConnectAttempt(this);
            attempt.Take(accepted[i], age);
            _connecting.Add(attempt);
            if (i >= made)
            {
                OnUnreachable(attempt, failure);
            }
            else if (_parked.ShouldQueue(accepted[i].Offset, out Errno shortage) && TryPark(attempt, shortage))
            {
                // The target may be back at this very moment: clients that wait for it are served first.
                Libc.Close(sockets[i]);
                queuedAt = accepted[i].Offset;
            }
            else if (attempt.Family != family)
            {
                Libc.Close(sockets[i]);
                ConnectAgain(attempt);
            }
            else
            {
                attempt.Connect(sockets[i], cookie);
            }
        }
        // Clients that come together came to one port, unless they waited for the join; clients of other ports are retried with the timer.
        if (queuedAt >= 0)
            RetryNext(queuedAt, 1, Target.ConnectTimeout);
    }

    private int OpenSockets(int family, Span<int> sockets, out ulong cookie, out EnterFailure failure)
    {
        int made = _place.OpenSockets(family, Libc.SOCK_STREAM, sockets, out cookie, out failure);
        // A new socket is newer than the last probe: another probe ends connections into the old namespace.
        if (made == 0 ? _place.State.CanEnter && !failure.IsExhaustion : cookie != _place.State.Cookie)
            _owner.OnNamespaceMoved();
        return made;
    }

    /// <summary>Connects a new socket to the attempt's current address.</summary>
    internal void ConnectAgain(ConnectAttempt attempt)
    {
        Span<int> socket = stackalloc int[1];
        if (OpenSockets(attempt.Family, socket, out ulong cookie, out EnterFailure failure) == 1)
            attempt.Connect(socket[0], cookie);
        else
            OnUnreachable(attempt, failure);
    }

    internal void Establish(ConnectAttempt attempt, in RelaySockets sockets, ReadOnlySpan<byte> greeting, long microseconds)
    {
        AcceptedClient accepted = attempt.Accepted;
        Forget(attempt);
        _owner.OnConnected(microseconds);
        Relays.Start(attempt, sockets, attempt.Origin, attempt.Cookie, greeting);
        _idle.Push(attempt);
        ServeParked(accepted.Offset, TimeSpan.FromMicroseconds(microseconds));
    }

    /// <summary>The client has hung up.</summary>
    internal void Abandon(ConnectAttempt attempt) => End(attempt, new RelayOutcome(EndReason.ClientReset));

    /// <summary>Adopts a new target. If it leads elsewhere or has other time limits, every client without a connection begins
    /// again.</summary>
    public void Change(ConnectTarget target, long idleTimeout)
    {
        bool isNews = !target.ConnectsAs(Target);
        Target = target;
        if (Relays.IdleTimeout != idleTimeout)
            Relays.ChangeIdleTimeout(idleTimeout);
        if (!isNews)
            return;
        ConnectAttempt[] connecting = [.. _connecting];
        foreach (ConnectAttempt attempt in _parked.All.ToArray())
        {
            attempt.Restart();
            if (!TryPark(attempt, attempt.Shortage))
                OnTimedOut(attempt);
        }
        foreach (ConnectAttempt attempt in connecting)
        {
            attempt.Restart();
            Loop.SetTimer(attempt, (long)Target.ConnectTimeout.TotalMilliseconds - attempt.Age);
            ConnectAgain(attempt);
        }
        Retry();
    }

    internal void OnFailed(ConnectAttempt attempt, Errno error)
    {
        // A listening UNIX socket with a full backlog. TCP does not answer in that case.
        if (!TryPark(attempt, error == Errno.EAGAIN ? error : Errno.None))
            GiveUp(attempt, error);
    }

    private void OnUnreachable(ConnectAttempt attempt, EnterFailure failure)
    {
        // A lack of descriptors is this process's, not the target's.
        if (!TryPark(attempt, failure.IsExhaustion ? failure.Error : Errno.None))
            GiveUp(attempt, failure.Error, StateReason.Unreachable(_place, failure).Text);
    }

    /// <summary>Whether clients' own addresses may be used in the attempt's namespace; if not, the client is parked or reset.</summary>
    internal bool MayBind(ConnectAttempt attempt)
    {
        if (_owner.SourceTrouble(attempt.Cookie) is not { } trouble)
            return true;
        attempt.Restart();
        if (!TryPark(attempt, Errno.None))
            GiveUp(attempt, Errno.EHOSTUNREACH, trouble.Text);
        return false;
    }

    internal void OnTimedOut(ConnectAttempt attempt)
    {
        if (!attempt.IsParked)
            OnFailed(attempt, Errno.ETIMEDOUT);
        else
            GiveUp(attempt, attempt.Shortage == Errno.None ? Errno.ETIMEDOUT : attempt.Shortage);
    }

    private void GiveUp(ConnectAttempt attempt, Errno error) => GiveUp(attempt, error, _failure.Of(Target, attempt.Accepted.Offset, error));

    private void GiveUp(ConnectAttempt attempt, Errno error, string reason)
    {
        _owner.OnUnreachable(attempt.Accepted.Peer, reason, error);
        End(attempt, new RelayOutcome(EndReason.Unreachable, error));
    }

    /// <summary>Parks a client, or ends it if it has hung up.</summary>
    /// <returns>False if it has waited long enough, or there is no room for it.</returns>
    private bool TryPark(ConnectAttempt attempt, Errno shortage)
    {
        if (attempt.Age >= Target.Patience(shortage) || (!attempt.IsParked && !_parked.HasRoom(attempt.Accepted)))
            return false;
        if (!attempt.IsParked)
        {
            if (attempt.HasHungUp || attempt.WatchClient() < 0)
            {
                Abandon(attempt);
                return true;
            }
            _connecting.Remove(attempt);
            _parked.Add(attempt);
        }
        attempt.Shortage = shortage;
        Loop.SetTimer(attempt, Target.Patience(shortage) - attempt.Age);
        // A set timer stays: clients of one port of a range must not put off the retry of another.
        _retry.SetOnce(RetryMilliseconds);
        return true;
    }

    /// <summary>The target may be there now: tries the first client of each queue; its success serves the others.</summary>
    public void Retry()
    {
        ConnectAttempt[] heads = ArrayPool<ConnectAttempt>.Shared.Rent(_parked.QueueCount);
        Retry(heads.AsSpan(0, _parked.Heads(heads)), Target.ConnectTimeout);
        ArrayPool<ConnectAttempt>.Shared.Return(heads, clearArray: true);
    }

    /// <summary>The target is there: its parked clients wait neither for their turn nor for a connect that began before it was.</summary>
    /// <param name="offset">The position in the range of ports.</param>
    /// <param name="took">How long a successful connect took.</param>
    private void ServeParked(int offset, TimeSpan took)
    {
        if (!_parked.HasQueue(offset))
            return;
        TimeSpan within = took * TimesASuccess > ConnectAttempt.LongAttempt ? took * TimesASuccess : ConnectAttempt.LongAttempt;
        RetryNext(offset, ParkedClients.Batch.Size, within < Target.ConnectTimeout ? within : Target.ConnectTimeout);
    }

    private void RetryNext(int offset, int count, TimeSpan within)
    {
        var first = default(ParkedClients.Batch);
        Retry(first[.._parked.Next(offset, first[..count])], within);
    }

    private void Retry(ReadOnlySpan<ConnectAttempt> attempts, TimeSpan within)
    {
        foreach (ConnectAttempt attempt in attempts)
        {
            if (!attempt.IsParked || attempt.IsUnderWay(within))
                continue;
            attempt.Restart();
            ConnectAgain(attempt);
            // A shortage for one is a shortage for the next.
            if (attempt.IsParked && attempt.Shortage != Errno.None && !attempt.IsConnecting)
                break;
        }
        if (_parked.Count > 0)
            _retry.SetOnce(RetryMilliseconds);
    }

    /// <summary>Resets every connection into another namespace than this one (0: into any), and ends every attempt to make one: those
    /// clients wait for the next namespace, if they may.</summary>
    /// <returns>How many clients were reset.</returns>
    public int AbortAllBut(ulong cookie)
    {
        int count = Relays.AbortAllBut(cookie);
        foreach (ConnectAttempt attempt in Pending(attempt => cookie == 0 || attempt.Cookie != cookie))
        {
            attempt.Restart();
            if (attempt.IsParked || TryPark(attempt, Errno.None))
                continue;
            End(attempt, new RelayOutcome(EndReason.Aborted));
            count++;
        }
        return count;
    }

    /// <summary>Resets every TCP client, connected or not, whose socket is in a network namespace; returns how many.</summary>
    public int AbortClientsIn(ulong cookie) =>
        Relays.AbortClientsIn(cookie) + AbortPending(attempt => attempt.Accepted.IsIn(cookie));

    /// <summary>The clients without a connection, with the place of each in the line; 0 for one that is not parked.</summary>
    public IEnumerable<(ConnectAttempt Attempt, int Place)> Attempts() => _connecting.Select(attempt => (attempt, 0))
        .Concat(_parked.Queues.SelectMany(queue => queue.Select((attempt, index) => (attempt, index + 1))));

    /// <summary>Resets clients, connected or not; returns how many.</summary>
    public int End(ConnectionFilter filter) => Relays.AbortWhere(relay => filter.Selects(relay.Origin.Id, relay.Origin.Peer))
        + AbortPending(attempt => filter.Selects(attempt.Origin.Id, attempt.Origin.Peer));

    /// <summary>Stops every relay at a message boundary and gives it away, and each client without a connection, for which the connect
    /// begins again.</summary>
    /// <param name="bridge">The bridge's name.</param>
    /// <param name="role">The role of a connection with that number.</param>
    public IEnumerable<ConnectionSnapshot> Suspend(string bridge, Func<ulong, ConnectionRole> role)
    {
        _retry.Clear();
        IEnumerable<ConnectionSnapshot> relayed =
            Relays.Suspend().Select(state => new ConnectionSnapshot(bridge, role(state.ConnectionId), state, state.Offset, state.Age));
        return [.. relayed, .. ReleasePending(bridge, role)];
    }

    /// <summary>Gives away the clients without a connection.</summary> <inheritdoc cref="Suspend"/>
    public IReadOnlyList<ConnectionSnapshot> ReleasePending(string bridge, Func<ulong, ConnectionRole> role)
    {
        var pending = new List<ConnectionSnapshot>();
        foreach (ConnectAttempt attempt in Pending(static _ => true))
        {
            pending.Add(attempt.Accepted.ToSnapshot(bridge, role(attempt.Accepted.Number), attempt.Age));
            Forget(attempt);
            attempt.CloseTarget();
            attempt.UnwatchClient();
            Loop.Detach(attempt);
        }
        return pending;
    }

    /// <summary>Resets everything and leaves the loop.</summary>
    public void Stop()
    {
        Relays.HandToKernel();
        Relays.AbortAllBut(0);
        AbortPending(static _ => true);
        _retry.Clear();
    }

    private int AbortPending(Func<ConnectAttempt, bool> which)
    {
        ConnectAttempt[] attempts = Pending(which);
        foreach (ConnectAttempt attempt in attempts)
            End(attempt, new RelayOutcome(EndReason.Aborted));
        return attempts.Length;
    }

    /// <summary>A copy of the clients without a connection, connecting or parked: they may leave while it is walked.</summary>
    private ConnectAttempt[] Pending(Func<ConnectAttempt, bool> which) => [.. _connecting.Concat(_parked.All).Where(which)];

    private void End(ConnectAttempt attempt, RelayOutcome outcome)
    {
        Forget(attempt);
        attempt.CloseTarget();
        Loop.Detach(attempt);
        ConnectionOrigin origin = attempt.Origin;
        attempt.Accepted.Reset();
        _idle.Push(attempt);
        _owner.OnEnded(origin, outcome, 0, 0);
    }

    private void Forget(ConnectAttempt attempt)
    {
        _connecting.Remove(attempt);
        _parked.Remove(attempt);
    }
}
