using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Udp;

/// <summary>Decides about the flows of a <see cref="FlowTable"/> and opens their sockets. Called on the table's loop.</summary>
public interface IFlowOwner
{
    /// <summary>Whether a client may have flows at all. Asked before room is made for one.</summary>
    bool IsWelcome(PeerAddress peer);

    /// <summary>Whether a client that is welcome may have one more flow. <see cref="OnEnded"/> follows for each that is admitted.</summary>
    bool Admit(PeerAddress peer);

    /// <summary>New flows that came together need sockets: each gets one by <see cref="UdpFlow.Open"/>, is ended, or is left
    /// waiting.</summary>
    void OnBegun(ReadOnlySpan<UdpFlow> flows);

    /// <summary>The target has answered for the first time.</summary>
    void OnAnswered(UdpFlow flow);

    /// <summary>The target's side failed, as by ICMP. The owner ends the flow or gives it another socket.</summary>
    void OnFailed(UdpFlow flow, Errno error);

    /// <summary>Datagrams were dropped: more than the path has room for, or too long.</summary>
    void OnDropped(Errno error, bool towardsTarget);

    /// <summary>A flow has ended and its socket is closed. Called once for each that was admitted.</summary>
    void OnEnded(UdpFlow flow, RelayOutcome outcome);
}

/// <summary>The flows of one bridge, bounded in number, in the order of their last datagram. On one loop's thread.</summary>
/// <remarks>At the limit a new flow displaces an old one. Newcomers go first: flows whose client has not sent again after an answer. So a
/// sender with many forged addresses displaces its own flows and not conversations.</remarks>
public sealed class FlowTable
{
    /// <summary>Bytes that all flows together may keep for a target that does not answer yet.</summary>
    internal const int KeptBytes = 8 * 1024 * 1024;

    // The oldest flow first. The nodes belong to the flows, so moving one allocates nothing.
    private readonly LinkedList<UdpFlow> _newcomers = new();
    private readonly LinkedList<UdpFlow> _conversations = new();
    private readonly Dictionary<UInt128, LinkedList<UdpFlow>> _clients = [];

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

    /// <summary>The most flows.</summary>
    public int Limit { get; set; } = int.MaxValue;

    /// <summary>The most flows of one client address; 0 for no limit.</summary>
    public int LimitPerClient { get; set; }

    /// <summary>Milliseconds without a datagram either way after which a flow ends; 0 for never.</summary>
    public long IdleTimeout { get; set; }

    public int Count => _newcomers.Count + _conversations.Count;

    internal IFlowOwner Owner { get; }

    /// <summary>Bytes kept now.</summary>
    internal int Kept { get; set; }

    /// <summary>Makes a flow for a datagram of an unknown client; null if it is not admitted.</summary>
    internal UdpFlow? Begin(UdpListener listener, in DatagramRoute route)
    {
        UInt128 bits = route.ClientBits;
        var peer = new PeerAddress(bits, route.ClientPort, (byte)(listener.IsSix ? Libc.AF_INET6 : Libc.AF_INET));
        if (!Owner.IsWelcome(peer))
            return null;
        while (LimitPerClient > 0 && _clients.TryGetValue(bits, out LinkedList<UdpFlow>? same) && same.Count >= LimitPerClient)
            Displace(same.First!.Value);
        if (Count >= Limit)
            DisplaceOldest();
        if (!Owner.Admit(peer))
            return null;
        var flow = new UdpFlow(listener, route, peer);
        _newcomers.AddLast(flow.InTable);
        if (!_clients.TryGetValue(bits, out LinkedList<UdpFlow>? own))
            _clients.Add(bits, own = new LinkedList<UdpFlow>());
        own.AddLast(flow.OfClient);
        Counters.AddActive(1);
        Loop.AddLoad(1);
        return flow;
    }

    /// <summary>Ends the oldest newcomer, or else the oldest conversation, to make room.</summary>
    /// <returns>False if there is none.</returns>
    public bool DisplaceOldest()
    {
        UdpFlow? oldest = (_newcomers.First ?? _conversations.First)?.Value;
        if (oldest is not null)
            Displace(oldest);
        return oldest is not null;
    }

    private static void Displace(UdpFlow flow)
    {
        // Its datagrams of the current batch go first.
        if (flow.IsAddressed)
            flow.Listener.Distribute();
        flow.End(new RelayOutcome(EndReason.Displaced));
    }

    internal void Touch(UdpFlow flow)
    {
        MoveToEnd(ListOf(flow), flow.InTable);
        if (LimitPerClient > 0)
            MoveToEnd(_clients[flow.Peer.Bits], flow.OfClient);
    }

    private static void MoveToEnd(LinkedList<UdpFlow> list, LinkedListNode<UdpFlow> node)
    {
        if (node == list.Last)
            return;
        list.Remove(node);
        list.AddLast(node);
    }

    private LinkedList<UdpFlow> ListOf(UdpFlow flow) => flow.IsConversation ? _conversations : _newcomers;

    /// <summary>The client has sent again after an answer.</summary>
    internal void Promote(UdpFlow flow)
    {
        _newcomers.Remove(flow.InTable);
        flow.IsConversation = true;
        _conversations.AddLast(flow.InTable);
    }

    internal void Remove(UdpFlow flow)
    {
        ListOf(flow).Remove(flow.InTable);
        LinkedList<UdpFlow> same = _clients[flow.Peer.Bits];
        same.Remove(flow.OfClient);
        if (same.Count == 0)
            _clients.Remove(flow.Peer.Bits);
        Counters.AddActive(-1);
        Loop.AddLoad(-1);
    }

    /// <summary>Ends the flows for which <paramref name="condition"/> holds.</summary>
    /// <returns>How many there were.</returns>
    public int EndWhere(Func<UdpFlow, bool> condition, RelayOutcome outcome)
    {
        int count = 0;
        for (LinkedListNode<UdpFlow>? node = _newcomers.First ?? _conversations.First, next; node is not null; node = next)
        {
            next = node.Next ?? (node.List == _newcomers ? _conversations.First : null);
            if (!condition(node.Value))
                continue;
            node.Value.End(outcome);
            count++;
        }
        return count;
    }

    /// <summary>Sets the idle timeout for running flows too.</summary>
    public void ChangeIdleTimeout(long milliseconds)
    {
        if (IdleTimeout == milliseconds)
            return;
        IdleTimeout = milliseconds;
        foreach (UdpFlow flow in _newcomers)
            flow.RestartTimer();
        foreach (UdpFlow flow in _conversations)
            flow.RestartTimer();
    }

    /// <summary>Ends the flows beyond <see cref="Limit"/> and <see cref="LimitPerClient"/>.</summary>
    public void ObeyLimits()
    {
        foreach (LinkedList<UdpFlow> same in LimitPerClient > 0 ? _clients.Values.ToArray() : [])
        {
            while (same.Count > LimitPerClient)
                Displace(same.First!.Value);
        }
        while (Count > Limit && DisplaceOldest())
        {
        }
    }
}
