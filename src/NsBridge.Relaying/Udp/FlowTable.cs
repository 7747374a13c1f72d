using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Relaying.Udp;

/// <summary>
/// The flows of one bridge: bounds their number, and knows which has been idle for longest. On one loop's thread.
/// </summary>
/// <remarks>
/// Where there are as many as there may be, a new one takes the place of an old one. Newcomers go first: flows whose client has not sent
/// again after an answer. So whoever sends from many made-up addresses takes the places of his own flows, not of conversations.
/// </remarks>
public sealed class FlowTable
{
    /// <summary>Bytes that all flows together may keep for a target that is not there yet.</summary>
    internal const int KeptBytes = 8 * 1024 * 1024;

    private readonly FlowList _newcomers = new(FlowOrder.OfAll);
    private readonly FlowList _conversations = new(FlowOrder.OfAll);
    private readonly Dictionary<UInt128, FlowList> _clients = [];

    /// <param name="loop">Where its flows live.</param>
    /// <param name="counters">What they count on.</param>
    /// <param name="owner">Finds their sockets.</param>
    public FlowTable(EventLoop loop, RelayCounters counters, IFlowOwner owner)
    {
        Loop = loop;
        Counters = counters;
        Owner = owner;
    }

    public EventLoop Loop { get; }

    public RelayCounters Counters { get; }

    /// <summary>Flows that there may be.</summary>
    public int Limit { get; set; } = int.MaxValue;

    /// <summary>Flows that one client address may have; 0 for no limit.</summary>
    public int LimitPerClient { get; set; }

    /// <summary>Milliseconds without a datagram either way after which a flow ends; 0 for never.</summary>
    public long IdleTimeout { get; set; }

    public int Count => _newcomers.Count + _conversations.Count;

    internal IFlowOwner Owner { get; }

    /// <summary>Bytes kept now.</summary>
    internal int Kept { get; set; }

    /// <summary>A datagram of nobody known: a flow for it, or null where it is not let in.</summary>
    internal UdpFlow? Begin(UdpListener listener, in DatagramRoute route)
    {
        UInt128 bits = route.ClientBits;
        var peer = new PeerAddress(bits, route.ClientPort, (byte)(listener.IsSix ? Libc.AF_INET6 : Libc.AF_INET));
        if (!Owner.IsWelcome(peer))
            return null;
        while (LimitPerClient > 0 && _clients.TryGetValue(bits, out FlowList? same) && same.Count >= LimitPerClient)
            Displace(same.Oldest!);
        if (Count >= Limit)
            DisplaceOldest();
        if (!Owner.Admit(peer))
            return null;
        var flow = new UdpFlow(listener, route, peer);
        _newcomers.Add(flow);
        if (!_clients.TryGetValue(bits, out FlowList? own))
            _clients.Add(bits, own = new FlowList(FlowOrder.OfClient));
        own.Add(flow);
        Counters.AddActive(1);
        Loop.AddLoad(1);
        return flow;
    }

    /// <summary>Ends the flow that can be missed best, to make room.</summary>
    /// <returns>False where there is none.</returns>
    public bool DisplaceOldest()
    {
        UdpFlow? oldest = _newcomers.Oldest ?? _conversations.Oldest;
        if (oldest is not null)
            Displace(oldest);
        return oldest is not null;
    }

    private static void Displace(UdpFlow flow)
    {
        // Its datagrams of the batch under way come first.
        if (flow.IsAddressed)
            flow.Listener.DealOut();
        flow.End(new RelayOutcome(EndReason.Displaced));
    }

    internal void Touch(UdpFlow flow)
    {
        (flow.IsConversation ? _conversations : _newcomers).Touch(flow);
        if (LimitPerClient > 0)
            _clients[flow.Peer.Bits].Touch(flow);
    }

    /// <summary>The client has sent again after an answer.</summary>
    internal void Promote(UdpFlow flow)
    {
        _newcomers.Remove(flow);
        flow.IsConversation = true;
        _conversations.Add(flow);
    }

    internal void Remove(UdpFlow flow)
    {
        (flow.IsConversation ? _conversations : _newcomers).Remove(flow);
        FlowList same = _clients[flow.Peer.Bits];
        same.Remove(flow);
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
        foreach (FlowList list in (ReadOnlySpan<FlowList>)[_newcomers, _conversations])
        {
            for (UdpFlow? flow = list.Oldest; flow is not null;)
            {
                UdpFlow? next = list.After(flow);
                if (condition(flow))
                {
                    flow.End(outcome);
                    count++;
                }
                flow = next;
            }
        }
        return count;
    }

    /// <summary>Sets the idle timeout for running flows too.</summary>
    public void ChangeIdleTimeout(long milliseconds)
    {
        if (IdleTimeout == milliseconds)
            return;
        IdleTimeout = milliseconds;
        foreach (FlowList list in (ReadOnlySpan<FlowList>)[_newcomers, _conversations])
        {
            for (UdpFlow? flow = list.Oldest; flow is not null; flow = list.After(flow))
                flow.RestartTimer();
        }
    }

    /// <summary>Ends flows until there are no more than <see cref="Limit"/> in all and <see cref="LimitPerClient"/> of any client.</summary>
    public void ObeyLimits()
    {
        foreach (FlowList same in LimitPerClient > 0 ? _clients.Values.ToArray() : [])
        {
            while (same.Count > LimitPerClient)
                Displace(same.Oldest!);
        }
        while (Count > Limit && DisplaceOldest())
        {
        }
    }
}
