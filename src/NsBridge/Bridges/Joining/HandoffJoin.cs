using NsBridge.Bridges.Connecting;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Joining;

/// <summary>
/// Joins the halves by handing accepted connections over. Keeps one link for each loop that relays; a link is made when it is
/// first wanted and again when it was lost. On the home loop.
/// </summary>
internal sealed partial class HandoffJoin : EventSource, IJoin, IHandoffOwner
{
    private const int RetryMilliseconds = 250;

    private readonly Bridge _bridge;
    private readonly LoopGroup _engine;
    private readonly EventLoop _home;
    private readonly HandoffLink?[] _links;
    private readonly List<HandoffLink> _retired = [];
    private readonly Dictionary<ulong, (HandoffLink Link, PeerAddress Peer)> _handedOff = [];
    private readonly bool _hasInner;
    private ulong _lastNumber;
    private volatile StateReason? _trouble;
    private bool _stopped;

    public HandoffJoin(Bridge bridge, LoopGroup engine, EventLoop home)
    {
        _bridge = bridge;
        _engine = engine;
        _home = home;
        _hasInner = bridge.Settings.Namespace is not null;
        _links = new HandoffLink?[_hasInner ? engine.Loops.Count : 1];
        home.Post(() =>
        {
            home.Attach(this);
            if (!_hasInner)
                LinkTo(0);
        });
    }

    public StateReason? Trouble => _trouble;

    // Who still waits for a link is known as away too.
    public int HandedOffCount => _hasInner ? 0 : _handedOff.Count - _links.Sum(link => link?.Waiting ?? 0);

    public void Pass(ReadOnlySpan<AcceptedClient> clients, long age = 0)
    {
        int index = _hasInner ? _engine.ChooseRelay(_home).Index : 0;
        long since = _home.Now - age;
        HandoffLink link = LinkTo(index);
        foreach (AcceptedClient accepted in clients)
        {
            if (_hasInner)
            {
                link.Enqueue(new WaitingClient(accepted, since));
                continue;
            }
            ulong number = ++_lastNumber;
            _handedOff.Add(number, (link, accepted.Peer));
            link.Enqueue(new WaitingClient(accepted with { Number = number }, since));
        }
        link.Flush();
        if (link.Waiting > 0)
            Wait();
    }

    // Who waits for a link is judged by the settings of the moment.
    public void Change()
    {
    }

    private HandoffLink LinkTo(int index)
    {
        if (_links[index] is { } known)
            return known;
        var link = new HandoffLink(_home, this, _hasInner ? HandoffLink.MostPerMessage : HandoffLink.ClientsPerMessage);
        if (!Connect(link, index))
            Wait();
        return _links[index] = link;
    }

    private bool Connect(HandoffLink link, int index)
    {
        int result = link.Connect(_bridge.JoinAddress, _hasInner ? index : _engine.Loops.Count);
        if (result < 0)
            SetTrouble(result == HandoffLink.NotOwnUser ? Refusal : new StateReason(StateReason.JoinCodeOf(Libc.ErrorOf(result)), TargetFailure.Explain(_bridge.Settings.Socket, Libc.ErrorOf(result))));
        return result >= 0;
    }

    private StateReason Refusal => new(
        ReasonCode.JoinRefused, $"{_bridge.Settings.Socket} does not take connections over: no nsbridge of this user behind it. Use \"Join\": \"relay\" for another program or user");

    // A link that is not there is tried again; who waits for it longer than a target may take is reset.
    private void Wait()
    {
        if (!IsTimerSet)
            _home.SetTimer(this, RetryMilliseconds);
    }

    protected override void OnTimer()
    {
        for (int i = 0; i < _links.Length; i++)
        {
            if (_links[i] is not { IsReady: false } link)
                continue;
            link.Close();
            // First: whoever came since the last attempt may wait for an inner half that has come since then too.
            bool answers = Connect(link, i) && _trouble != Refusal;
            TimeSpan patience = _bridge.Settings.TargetWait > TimeSpan.Zero ? _bridge.Settings.TargetWait : answers ? _bridge.Settings.ConnectTimeout : TimeSpan.Zero;
            // Nobody watches them. Seldom enough, and there are few: a watch would be two more calls for everybody who need not wait.
            EndWaiting(link, HasHungUp, EndReason.ClientReset);
            ResetWaiting(link, _home.Now - (long)patience.TotalMilliseconds);
            Wait();
        }
    }

    private static bool HasHungUp(AcceptedClient accepted) => accepted.HasHungUp(Libc.Ready(accepted.Client, Libc.EPOLLRDHUP));

    /// <summary>Resets who came by then; who came first is first in the line.</summary>
    private void ResetWaiting(HandoffLink link, long cameBy)
    {
        while (link.FirstSince <= cameBy && link.TryTakeBack(out WaitingClient client))
        {
            _bridge.OnFailed(client.Accepted.Peer, _trouble?.Text ?? $"{_bridge.Settings.Socket} does not take connections");
            End(client.Accepted, EndReason.TargetReset);
        }
    }

    /// <summary>Resets some of those who wait; the others keep their order.</summary>
    /// <returns>How many there were.</returns>
    private int EndWaiting(HandoffLink link, Func<AcceptedClient, bool> isMeant, EndReason ending)
    {
        int count = 0;
        for (int left = link.Waiting; left > 0 && link.TryTakeBack(out WaitingClient client); left--)
        {
            if (!isMeant(client.Accepted))
            {
                link.Enqueue(client);
                continue;
            }
            End(client.Accepted, ending);
            count++;
        }
        return count;
    }

    private void End(in AcceptedClient accepted, EndReason ending)
    {
        accepted.Reset();
        _handedOff.Remove(accepted.Number);
        _bridge.OnEnded(accepted.Peer, new RelayOutcome(ending), 0, 0);
    }

    public int AbortClientsIn(ulong cookie) =>
        _links.OfType<HandoffLink>().Sum(link => EndWaiting(link, accepted => accepted.IsIn(cookie), EndReason.Aborted));

    public void OnReady(HandoffLink link)
    {
        SetTrouble(null);
        if (_bridge.Settings.Namespace is null)
            _home.ClearTimer(this);
    }

    public void OnNotice(HandoffLink link, in HandoffNotice notice)
    {
        if (!_handedOff.Remove(notice.Number, out (HandoffLink Link, PeerAddress Peer) away))
            return;
        _bridge.Tally.CountForeign(notice.ToTarget, notice.ToClient);
        if (!notice.Reached)
            _bridge.OnFailed(away.Peer, "the inner half could not reach its target; its own log says why");
        _bridge.OnEnded(away.Peer, new RelayOutcome(EndReason.Closed), notice.ToTarget, notice.ToClient);
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
            if (_handedOff.TryGetValue(client.Accepted.Number, out (HandoffLink Link, PeerAddress Peer) away))
                _handedOff[client.Accepted.Number] = away with { Link = next };
            next.Enqueue(client);
        }
        Wait();
    }

    public void OnLost(HandoffLink link, Errno error, bool refused)
    {
        if (_retired.Remove(link))
        {
            Forget(link);
            return;
        }
        SetTrouble(refused ? Refusal : new StateReason(ReasonCode.JoinUnavailable, $"the inner half behind {_bridge.Settings.Socket} has gone"));
        if (_stopped)
            return;
        Forget(link);
        Wait();
    }

    /// <summary>What the other process has taken over lives on there or not; here it cannot be known any more.</summary>
    private void Forget(HandoffLink link)
    {
        foreach ((ulong number, (HandoffLink _, PeerAddress peer)) in _handedOff.Where(away => away.Value.Link == link).ToArray())
        {
            if (link.IsWaiting(number))
                continue;
            _handedOff.Remove(number);
            _bridge.OnEnded(peer, new RelayOutcome(EndReason.Closed), 0, 0);
        }
    }

    private void SetTrouble(StateReason? trouble)
    {
        if (_trouble == trouble)
            return;
        _trouble = trouble;
        _bridge.OnStateChanged();
    }

    protected override void OnEvents(uint events, int end)
    {
    }

    public void Stop()
    {
        _stopped = true;
        foreach (HandoffLink? link in _links)
        {
            if (link is null)
                continue;
            ResetWaiting(link, _home.Now);
            link.Close();
        }
        foreach (HandoffLink link in _retired)
            link.Close();
        foreach ((HandoffLink _, PeerAddress peer) in _handedOff.Values)
            _bridge.OnEnded(peer, new RelayOutcome(EndReason.Closed), 0, 0);
        _handedOff.Clear();
        _home.Detach(this);
    }
}
