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

    private readonly IBridgeContext _bridge;
    private readonly IConnectionEvents _events;
    private readonly LoopGroup _loops;
    private readonly EventLoop _home;
    private readonly LoopTimer _retry;
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
        _hasInner = bridge.Settings.Namespace is not null;
        _links = new HandoffLink?[_hasInner ? loops.Loops.Count : 1];
        if (!_hasInner)
            home.Post(() => LinkTo(0));
    }

    public StateReason? Trouble => _trouble;

    // Clients that still wait for a link are in the table too.
    public int HandedOffCount => _hasInner ? 0 : _handedOff.Count - _links.Sum(link => link?.Waiting ?? 0);

    /// <remarks>The client continues in the inner half, at <c>HandoffReceiver.OnEvents</c>.</remarks>
    public void Pass(ReadOnlySpan<AcceptedClient> clients, long age = 0)
    {
        int index = _hasInner ? _loops.ChooseRelay(_home).Index : 0;
        long since = _home.Now - age;
        HandoffLink link = LinkTo(index);
        foreach (AcceptedClient accepted in clients)
        {
            if (_hasInner)
            {
                link.Enqueue(new WaitingClient(accepted, since));
                continue;
            }
            ulong number = ConnectionOrigin.NextId();
            _handedOff.Add(number, (link, new ConnectionOrigin(accepted.Peer, accepted.Offset, number, number, since)));
            link.Enqueue(new WaitingClient(accepted with { Number = number }, since));
        }
        link.Flush();
        if (link.Waiting > 0)
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

    /// <summary>Connects a link to the loop of this process's inner half; an inner half of another process gets a number that no loop
    /// has.</summary>
    private bool Connect(HandoffLink link, int index)
    {
        int result = link.Connect(_bridge.JoinAddress, new JoinPeerName(JoinKind.Handoff, _hasInner ? index : _loops.Loops.Count));
        if (result < 0)
            SetTrouble(result == HalfLink.NotOwnUser ? Refusal : StateReason.Unjoined(_bridge.Settings.Socket, Libc.ErrorOf(result)));
        return result >= 0;
    }

    private StateReason Refusal => new(
        ReasonCode.JoinRefused,
        $"{_bridge.Settings.Socket} does not take connections over: no nsbridge of this user behind it. "
        + "Use \"Join\": \"relay\" for another program or user");

    private void RetryLater() => _retry.SetOnce(RetryMilliseconds);

    /// <summary>Connects the links that are not ready, and resets the clients that have waited for one longer than for a target.</summary>
    private void Retry()
    {
        for (int i = 0; i < _links.Length; i++)
        {
            if (_links[i] is not { IsReady: false } link)
                continue;
            link.Close();
            // First: a client and an inner half may both have come since the last attempt.
            bool answers = Connect(link, i) && _trouble != Refusal;
            TimeSpan patience = _bridge.Settings.TargetWait > TimeSpan.Zero ? _bridge.Settings.TargetWait
                : answers ? _bridge.Settings.ConnectTimeout
                : TimeSpan.Zero;
            // Waiting clients are few and are polled: a watch would cost two more calls for each client that need not wait.
            EndWaiting(link, HasHungUp, EndReason.ClientReset);
            ResetWaiting(link, _home.Now - (long)patience.TotalMilliseconds);
            RetryLater();
        }
    }

    private static bool HasHungUp(AcceptedClient accepted) => accepted.HasHungUp(Libc.Ready(accepted.Client, Libc.EPOLLRDHUP));

    /// <summary>Resets the clients that came by then; the queue is in the order of arrival.</summary>
    private void ResetWaiting(HandoffLink link, long cameBy)
    {
        while (link.FirstSince <= cameBy && link.TryTakeBack(out WaitingClient client))
        {
            _events.OnFailed(client.Accepted.Peer, _trouble?.Text ?? $"{_bridge.Settings.Socket} does not take connections");
            End(client, EndReason.TargetReset);
        }
    }

    /// <summary>Resets some of the waiting clients; the others keep their order.</summary>
    /// <returns>How many were reset.</returns>
    private int EndWaiting(HandoffLink link, Func<AcceptedClient, bool> isMeant, EndReason reason)
    {
        int count = 0;
        for (int left = link.Waiting; left > 0 && link.TryTakeBack(out WaitingClient client); left--)
        {
            if (!isMeant(client.Accepted))
            {
                link.Enqueue(client);
                continue;
            }
            End(client, reason);
            count++;
        }
        return count;
    }

    private void End(in WaitingClient client, EndReason reason)
    {
        AcceptedClient accepted = client.Accepted;
        accepted.Reset();
        _handedOff.Remove(accepted.Number);
        _events.OnEnded(accepted.Peer, new RelayOutcome(reason), 0, 0, _home.Now - client.Since);
    }

    public Task<IReadOnlyList<ConnectionReport>> ConnectionsAsync() => _home.InvokeAsync<IReadOnlyList<ConnectionReport>>(() =>
    {
        HashSet<ulong> waiting = [.. _links.OfType<HandoffLink>().SelectMany(link => link.WaitingNumbers)];
        return [.. _handedOff.Values.Select(client => new ConnectionReport(
            client.Origin, waiting.Contains(client.Origin.Number) ? ConnectionState.Connecting : ConnectionState.HandedOff,
            0, _home.Now - client.Origin.Began, 0, 0, 0))];
    });

    /// <remarks>A client that another process has taken over is that process's to end.</remarks>
    public int End(ConnectionFilter filter) => _links.OfType<HandoffLink>()
        .Sum(link => EndWaiting(link, accepted => filter.Selects(accepted.Number, accepted.Peer), EndReason.Aborted));

    public int AbortClientsIn(ulong cookie) =>
        _links.OfType<HandoffLink>().Sum(link => EndWaiting(link, accepted => accepted.IsIn(cookie), EndReason.Aborted));

    public void OnReady(HandoffLink link)
    {
        SetTrouble(null);
        if (!_hasInner)
            _retry.Clear();
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
        long age = _home.Now - client.Origin.Began;
        _events.OnEnded(client.Origin.Peer, new RelayOutcome(EndReason.Closed), notice.ToTarget, notice.ToClient, age);
    }

    public void OnRetired(HandoffLink link)
    {
        int index = Array.IndexOf(_links, link);
        _links[index] = null;
        _retired.Add(link);
        if (_stopped)
            return;
        HandoffLink next = LinkTo(index);
        while (link.TryTakeBack(out WaitingClient client))
        {
            if (_handedOff.TryGetValue(client.Accepted.Number, out (HandoffLink Link, ConnectionOrigin Origin) known))
                _handedOff[client.Accepted.Number] = known with { Link = next };
            next.Enqueue(client);
        }
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
        foreach ((ulong number, (_, ConnectionOrigin origin)) in _handedOff.Where(client => client.Value.Link == link).ToArray())
        {
            if (link.IsWaiting(number))
                continue;
            _handedOff.Remove(number);
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
        _retry.Clear();
        return ReleasePending();
    }

    public IEnumerable<ConnectionSnapshot> ReleasePending()
    {
        var waiting = new List<ConnectionSnapshot>();
        // A link that retires while it is flushed may still have waiting clients.
        foreach (HandoffLink link in _links.OfType<HandoffLink>().Concat(_retired))
        {
            while (link.TryTakeBack(out WaitingClient client))
            {
                AcceptedClient accepted = client.Accepted;
                _handedOff.Remove(accepted.Number);
                waiting.Add(accepted.ToSnapshot(_bridge.Settings.Name, ConnectionRole.Outer, _home.Now - client.Since));
            }
        }
        return waiting;
    }

    public bool Resume(RelayState state) => false;

    public void Stop()
    {
        _stopped = true;
        _retry.Clear();
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
