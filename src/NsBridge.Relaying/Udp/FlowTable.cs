using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Udp;

/// <summary>Decides about the flows of a <see cref="FlowTable"/> and opens their sockets. Called on the table's loop.</summary>
public interface IFlowOwner
{
    /// <summary>The most flows.</summary>
    int Limit { get; }

    /// <summary>Whether a client may have flows at all. Asked before room is made for one.</summary>
    bool IsWelcome(PeerAddress peer);

    /// <summary>A datagram was dropped: its source is a listener of this process, and the answer would circulate for ever.</summary>
    void OnForged(PeerAddress peer);

    /// <summary>Whether a client that is welcome may have one more flow. <see cref="OnEnded"/> follows for each that is admitted.</summary>
    bool Admit(PeerAddress peer);

    /// <summary>New flows that came together need sockets: each gets one by <see cref="UdpFlow.Open"/>, is ended, or is left
    /// waiting.</summary>
    void OnBegun(ReadOnlySpan<UdpFlow> flows);

    /// <summary>Writes the header that precedes a flow's first datagram to a target.</summary>
    /// <returns>Bytes written; 0 if nothing precedes it.</returns>
    int WriteHeader(UdpFlow flow, Span<byte> to);

    /// <summary>The target has answered for the first time.</summary>
    void OnAnswered(UdpFlow flow);

    /// <summary>The target's side failed, as by ICMP. The owner ends the flow or gives it another socket.</summary>
    void OnFailed(UdpFlow flow, Errno error);

    /// <summary>Datagrams were dropped: more than the path has room for, or too long.</summary>
    void OnDropped(Errno error, bool towardsTarget);

    /// <summary>A flow has ended and its socket is closed. Called once for each that was admitted.</summary>
    void OnEnded(UdpFlow flow, RelayOutcome outcome);
}

/// <summary>The flows of one bridge, bounded in number. On one loop's thread.</summary>
/// <remarks>At the limit a new flow displaces an old one. A flow whose client has not sent again after an answer is a newcomer, any other a
/// conversation. Newcomers go first, so that a sender with many forged addresses displaces its own flows; but a quarter of the places is
/// theirs, so that many conversations do not keep them out. Within each kind the client with the most flows loses one.</remarks>
public sealed class FlowTable
{
    /// <summary>Bytes that all flows together may keep for a target that does not answer yet.</summary>
    internal const int KeptBytes = 8 * 1024 * 1024;

    /// <summary>One place in so many is for newcomers.</summary>
    private const int NewcomersShare = 4;

    private readonly FlowRanking _newcomers = new();
    private readonly FlowRanking _conversations = new();
    private readonly Dictionary<UInt128, FlowClient> _clients = [];
    private readonly Stack<FlowClient> _spareClients = [];
    private readonly Stack<UdpFlow> _spareFlows = [];

    /// <param name="loop">The loop of its flows.</param>
    /// <param name="counters">Their counters.</param>
    /// <param name="owner">Decides about them.</param>
    public FlowTable(EventLoop loop, RelayCounters counters, IFlowOwner owner)
    {
        Loop = loop;
        Counters = counters;
        Owner = owner;
    }

    public EventLoop Loop { get; }

    public RelayCounters Counters { get; }

    /// <summary>The most flows of one client address; 0 for no limit.</summary>
    public int LimitPerClient { get; set; }

    /// <summary>Milliseconds without a datagram either way after which a flow ends; 0 for never.</summary>
    public long IdleTimeout { get; set; }

    public int Count => _newcomers.Count + _conversations.Count;

    internal IFlowOwner Owner { get; }

    /// <summary>Bytes kept now.</summary>
    internal int Kept { get; set; }

    /// <summary>Makes a flow for a datagram of an unknown client; null if it is not admitted.</summary>
    /// <param name="listener">Has received it.</param>
    /// <param name="route">Its way.</param>
    /// <param name="isLocal">Whether it came from this machine.</param>
    internal UdpFlow? Begin(UdpListener listener, in DatagramRoute route, bool isLocal)
    {
        var peer = new PeerAddress(route.ClientBits, route.ClientPort, (byte)(listener.IsSix ? Libc.AF_INET6 : Libc.AF_INET));
        if (listener.IsListener(peer, isLocal))
        {
            Owner.OnForged(peer);
            return null;
        }
        if (!Owner.IsWelcome(peer))
            return null;
        while (LimitPerClient > 0 && _clients.TryGetValue(peer.ClientBits, out FlowClient? same) && same.Count >= LimitPerClient)
            Displace(same.Oldest);
        // Two: the limit may have become lower.
        for (int i = 0; i < 2 && Count >= Owner.Limit; i++)
            DisplaceOldest();
        if (!Owner.Admit(peer))
            return null;
        if (!_clients.TryGetValue(peer.ClientBits, out FlowClient? client))
            _clients.Add(peer.ClientBits, client = _spareClients.TryPop(out FlowClient? spare) ? spare : new FlowClient());
        // An ended flow is used again: nothing refers to it once a datagram of another client is looked up.
        UdpFlow flow = _spareFlows.TryPop(out UdpFlow? ended) ? ended : new UdpFlow();
        flow.Begin(listener, route, peer, client);
        _newcomers.Add(client.Newcomers, flow);
        Counters.AddActive(1);
        Loop.AddLoad(1);
        return flow;
    }

    /// <summary>Ends a flow to make room.</summary>
    /// <returns>False if there is none.</returns>
    public bool DisplaceOldest()
    {
        UdpFlow? first = (_newcomers.Count * NewcomersShare >= Count ? _newcomers : _conversations).First;
        if (first is not null)
            Displace(first);
        return first is not null;
    }

    private static void Displace(UdpFlow flow)
    {
        // Its datagrams of the current batch go first.
        if (flow.IsAddressed)
            flow.Listener.Distribute();
        flow.End(new RelayOutcome(EndReason.Displaced));
    }

    internal void Touch(UdpFlow flow) => RankingOf(flow).Touch(flow.Group, flow);

    private FlowRanking RankingOf(UdpFlow flow) => flow.IsConversation ? _conversations : _newcomers;

    /// <summary>The client has sent again after an answer.</summary>
    internal void Promote(UdpFlow flow)
    {
        _newcomers.Remove(flow.Group, flow);
        flow.IsConversation = true;
        _conversations.Add(flow.Group, flow);
    }

    internal void Remove(UdpFlow flow)
    {
        RankingOf(flow).Remove(flow.Group, flow);
        Counters.AddActive(-1);
        Loop.AddLoad(-1);
        if (flow.Client.Count == 0)
        {
            _clients.Remove(flow.Peer.ClientBits);
            _spareClients.Push(flow.Client);
        }
        _spareFlows.Push(flow);
    }

    /// <summary>Ends the flows for which <paramref name="condition"/> holds.</summary>
    /// <returns>How many there were.</returns>
    public int EndWhere(Func<UdpFlow, bool> condition, RelayOutcome outcome)
    {
        int count = 0;
        foreach (UdpFlow flow in Flows())
        {
            if (!condition(flow))
                continue;
            flow.End(outcome);
            count++;
        }
        return count;
    }

    // A copy, for flows that end meanwhile.
    /// <summary>A copy of the list of flows.</summary>
    public UdpFlow[] Flows() =>
        [.. _clients.Values.SelectMany(static client => client.Newcomers.Flows.Concat(client.Conversations.Flows))];

    /// <summary>Sets the idle timeout for running flows too.</summary>
    public void ChangeIdleTimeout(long milliseconds)
    {
        if (IdleTimeout == milliseconds)
            return;
        IdleTimeout = milliseconds;
        foreach (UdpFlow flow in Flows())
            flow.RestartTimer();
    }

    /// <summary>Ends the flows beyond <see cref="IFlowOwner.Limit"/> and <see cref="LimitPerClient"/>.</summary>
    public void ObeyLimits()
    {
        foreach (FlowClient client in LimitPerClient > 0 ? _clients.Values.ToArray() : [])
        {
            while (client.Count > LimitPerClient)
                Displace(client.Oldest);
        }
        while (Count > Owner.Limit && DisplaceOldest())
        {
        }
    }
}
