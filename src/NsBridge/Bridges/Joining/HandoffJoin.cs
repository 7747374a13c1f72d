using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Connecting;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Joining;

/// <summary>Joins the halves by handing accepted connections off. Has one link for each loop that relays; a link is made when it is first
/// needed, and again after it was lost. On the home loop.</summary>
internal sealed class HandoffJoin : IJoin, IHandoffOwner
{
    private const int RetryMilliseconds = 250;

    /// <summary>Waiting clients that are checked, and that are reset, in one turn of the loop: a reset takes some 10 µs.</summary>
    private const int ClientsPerTurn = 256;

    private readonly IBridgeContext _bridge;
    private readonly IConnectionEvents _events;
    private readonly LoopGroup _loops;
    private readonly EventLoop _home;
    private readonly LoopTimer _retry;
    private readonly LoopTimer _check;
    private readonly HandoffLink?[] _links;
    private readonly List<HandoffLink> _retired = [];
    private readonly Dictionary<ulong, (HandoffLink Link, ConnectionOrigin Origin)> _handedOff = [];
    private readonly bool _hasInner;
    private volatile StateReason? _trouble;
    private bool _stopped;

    public HandoffJoin(IBridgeContext bridge, IConnectionEvents events, LoopGroup loops, EventLoop home)
    {
        _bridge = bridge;
        _events = events;
        _loops = loops;
        _home = home;
        _retry = new LoopTimer(home, Retry);
        _check = new LoopTimer(home, CheckWaiting);
        _hasInner = bridge.Settings.Namespace is not null;
        _links = new HandoffLink?[_hasInner ? loops.Loops.Count : 1];
        if (!_hasInner)
            home.Post(() => LinkTo(0));
    }

    public StateReason? Trouble => _trouble;

    public int HandedOffCount => _handedOff.Count;

    /// <remarks>The client continues in the inner half, at <c>HandoffReceiver.OnEvents</c>.</remarks>
    public void Pass(ReadOnlySpan<AcceptedClient> clients, long age = 0)
    {
        int index = _hasInner ? _loops.ChooseRelay(_home).Index : 0;
        long since = _home.Now - age;
        HandoffLink link = LinkTo(index);
        foreach (AcceptedClient accepted in clients)
            link.Waiting.Add(new WaitingClient(_hasInner ? accepted : accepted with { Number = ConnectionOrigin.NextId() }, since));
        link.Flush();
        if (link.Waiting.Count > 0)
            RetryLater();
    }

    public void OnSettingsChanged() => RetryLater();

    private HandoffLink LinkTo(int index)
    {
        if (_links[index] is { } known)
            return known;
        var link = new HandoffLink(_home, this, _hasInner ? HandoffLink.MostPerMessage : DescriptorBudget.ClientsPerMessage);
        if (!Connect(link, index))
            RetryLater();
        return _links[index] = link;
    }

    /// <summary>Connects a link to the loop of this process's inner half, or to an inner half of another process.</summary>
    private bool Connect(HandoffLink link, int index)
    {
        int result = link.Connect(_bridge.JoinAddress, new JoinPeerName(JoinKind.Handoff, index, _hasInner));
        if (result < 0)
            SetTrouble(result == HalfLink.NotOwnUser ? Refusal : StateReason.Unjoined(_bridge.Settings.Socket, Libc.ErrorOf(result)));
        return result >= 0;
    }

    private StateReason Refusal => new(
        ReasonCode.JoinRefused,
        $"{_bridge.Settings.Socket} does not take connections over: no nsbridge of this user behind it. "
        + "Use \"Join\": \"relay\" for another program or user");

    private void RetryLater() => _retry.SetOnce(RetryMilliseconds);

    /// <summary>Connects the links that are not ready.</summary>
    private void Retry()
    {
        for (int i = 0; i < _links.Length; i++)
        {
            if (_links[i] is not { IsReady: false } link)
                continue;
            link.Close();
            Connect(link, i);
            RetryLater();
        }
        // Afterwards: a client and an inner half may both have come since the last attempt.
        CheckWaiting();
    }

    /// <summary>Resets the clients that have hung up, or have waited for a link longer than for a target; in several turns if there are
    /// many. They are polled: a watch would cost two more calls for each client that need not wait.</summary>
    private void CheckWaiting()
    {
        bool isOver = true;
        foreach (HandoffLink link in _links.OfType<HandoffLink>().Where(link => !link.IsReady))
        {
            TimeSpan patience = _bridge.Settings.TargetWait > TimeSpan.Zero ? _bridge.Settings.TargetWait
                : link.IsOpen && _trouble != Refusal ? _bridge.Settings.ConnectTimeout
                : TimeSpan.Zero;
            isOver &= EndWaiting(link, HasHungUp, EndReason.ClientReset, ClientsPerTurn, out _);
            isOver &= ResetWaiting(link, _home.Now - (long)patience.TotalMilliseconds, ClientsPerTurn);
        }
        if (!isOver)
            _check.SetOnce(0);
    }

    private static bool HasHungUp(AcceptedClient accepted) => accepted.HasHungUp(Libc.Ready(accepted.Client, Libc.EPOLLRDHUP));

    /// <summary>Resets the clients that came by then.</summary>
    /// <returns>False if there were more than <paramref name="most"/>.</returns>
    private bool ResetWaiting(HandoffLink link, long cameBy, int most = int.MaxValue)
    {
        for (; most > 0 && link.Waiting.FirstSince <= cameBy && link.Waiting.TryTake(out WaitingClient client); most--)
        {
            _events.OnFailed(client.Accepted.Peer, _trouble?.Text ?? $"{_bridge.Settings.Socket} does not take connections");
            End(client, EndReason.Unreachable);
        }
        return most > 0;
    }

    /// <summary>Resets some of the waiting clients; the others keep their order.</summary>
    /// <returns>False if there are more than <paramref name="most"/> to check.</returns>
    private bool EndWaiting(HandoffLink link, Func<AcceptedClient, bool> isMeant, EndReason reason, int most, out int count)
    {
        count = 0;
        for (; most > 0 && link.Waiting.TryCheckNext(out WaitingClient client); most--)
        {
            if (!isMeant(client.Accepted))
            {
                link.Waiting.Keep(client);
                continue;
            }
            End(client, reason);
            count++;
        }
        return most > 0;
    }

    private void End(in WaitingClient client, EndReason reason)
    {
        AcceptedClient accepted = client.Accepted;
        accepted.Reset();
        _events.OnEnded(accepted.Peer, new RelayOutcome(reason), 0, 0, _home.Now - client.Since);
    }

    public Task<IReadOnlyList<ConnectionReport>> ConnectionsAsync() => _home.InvokeAsync<IReadOnlyList<ConnectionReport>>(() =>
        _hasInner ? [] :
        [
            .. _handedOff.Values.Select(client => Report(client.Origin, ConnectionState.HandedOff)),
            .. _links.OfType<HandoffLink>().SelectMany(link => link.Waiting.All)
                .Select(client => Report(OriginOf(client), ConnectionState.Connecting)),
        ]);

    private ConnectionReport Report(in ConnectionOrigin origin, ConnectionState state) =>
        new(origin, state, 0, _home.Now - origin.Began, 0, 0, 0);

    private static ConnectionOrigin OriginOf(in WaitingClient client) => new(
        client.Accepted.Peer, client.Accepted.Offset, client.Accepted.Number, client.Accepted.Number, client.Since);

    /// <remarks>A client that another process has taken over is that process's to end.</remarks>
    public int End(ConnectionFilter filter) => AbortWaiting(accepted => filter.Selects(accepted.Number, accepted.Peer));

    public int AbortClientsIn(ulong cookie) => AbortWaiting(accepted => accepted.IsIn(cookie));

    private int AbortWaiting(Func<AcceptedClient, bool> isMeant) => _links.OfType<HandoffLink>().Sum(link =>
    {
        link.Waiting.Recheck();
        EndWaiting(link, isMeant, EndReason.Aborted, int.MaxValue, out int count);
        return count;
    });

    public void OnReady(HandoffLink link)
    {
        SetTrouble(null);
        if (!_hasInner)
            _retry.Clear();
    }

    public void OnSent(HandoffLink link, in WaitingClient client)
    {
        if (!_hasInner)
            _handedOff.Add(client.Accepted.Number, (link, OriginOf(client)));
    }

    public void OnNotice(HandoffLink link, in HandoffNotice notice)
    {
        if (!_handedOff.Remove(notice.Number, out (HandoffLink Link, ConnectionOrigin Origin) client))
            return;
        _bridge.Counters.CountForeign(notice.ToTarget, notice.ToClient);
        if (notice.Reached)
            _bridge.Counters.CountReached();
        else
            _events.OnFailed(client.Origin.Peer, "the inner half could not reach its target; its own log says why");
        EndReason ending = notice.Reached ? EndReason.Closed : EndReason.Unreachable;
        long age = _home.Now - client.Origin.Began;
        _events.OnEnded(client.Origin.Peer, new RelayOutcome(ending), notice.ToTarget, notice.ToClient, age);
    }

    public void OnRetired(HandoffLink link)
    {
        int index = Array.IndexOf(_links, link);
        _links[index] = null;
        _retired.Add(link);
        if (_stopped)
            return;
        HandoffLink next = LinkTo(index);
        while (link.Waiting.TryTake(out WaitingClient client))
            next.Waiting.Add(client);
        RetryLater();
    }

    public void OnLost(HandoffLink link, Errno error, bool isRefused)
    {
        if (_retired.Remove(link))
        {
            Forget(link);
            return;
        }
        SetTrouble(isRefused ? Refusal : StateReason.InnerHalfGone(_bridge.Settings.Socket));
        if (_stopped)
            return;
        Forget(link);
        RetryLater();
    }

    /// <summary>Counts out the clients that the other process has: whether they live on cannot be known without the link.</summary>
    private void Forget(HandoffLink link)
    {
        foreach ((ulong number, (HandoffLink taker, ConnectionOrigin origin)) in _handedOff)
        {
            if (taker == link && _handedOff.Remove(number))
                _events.OnEnded(origin.Peer, new RelayOutcome(EndReason.Closed), 0, 0, _home.Now - origin.Began);
        }
    }

    private void SetTrouble(StateReason? trouble)
    {
        if (_trouble == trouble)
            return;
        _trouble = trouble;
        _bridge.OnStateChanged();
    }

    public IEnumerable<ConnectionSnapshot> Suspend()
    {
        _stopped = true;
        foreach (HandoffLink? link in _links)
            link?.Flush();
        StopTimers();
        return ReleasePending();
    }

    public IEnumerable<ConnectionSnapshot> ReleasePending()
    {
        var waiting = new List<ConnectionSnapshot>();
        // A link that retires while it is flushed may still have waiting clients.
        foreach (HandoffLink link in _links.OfType<HandoffLink>().Concat(_retired))
        {
            while (link.Waiting.TryTake(out WaitingClient client))
                waiting.Add(client.Accepted.ToSnapshot(_bridge.Settings.Name, ConnectionRole.Outer, _home.Now - client.Since));
        }
        return waiting;
    }

    public bool Resume(RelayState state) => false;

    private void StopTimers()
    {
        _retry.Clear();
        _check.Clear();
    }

    public void Stop()
    {
        _stopped = true;
        StopTimers();
        foreach (HandoffLink link in _links.OfType<HandoffLink>().Concat(_retired))
        {
            ResetWaiting(link, _home.Now);
            link.Close();
        }
        foreach ((HandoffLink _, ConnectionOrigin origin) in _handedOff.Values)
            _events.OnEnded(origin.Peer, new RelayOutcome(EndReason.Closed), 0, 0, _home.Now - origin.Began);
        _handedOff.Clear();
    }
}
