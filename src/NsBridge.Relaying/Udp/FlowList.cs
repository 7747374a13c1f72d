namespace NsBridge.Relaying.Udp;

/// <summary>Flows by the time of their last datagram, through the flows themselves: adding, removing and touching cost nothing more with more flows.</summary>
internal sealed class FlowList(FlowOrder order)
{
    private UdpFlow? _newest;

    /// <summary>The one that has been idle for longest.</summary>
    internal UdpFlow? Oldest { get; private set; }

    internal int Count { get; private set; }

    internal void Add(UdpFlow flow)
    {
        ref FlowLinks links = ref flow.Links(order);
        links.Next = null;
        links.Previous = _newest;
        if (_newest is null)
            Oldest = flow;
        else
            _newest.Links(order).Next = flow;
        _newest = flow;
        Count++;
    }

    internal void Remove(UdpFlow flow)
    {
        ref FlowLinks links = ref flow.Links(order);
        if (links.Previous is null)
            Oldest = links.Next;
        else
            links.Previous.Links(order).Next = links.Next;
        if (links.Next is null)
            _newest = links.Previous;
        else
            links.Next.Links(order).Previous = links.Previous;
        links = default;
        Count--;
    }

    /// <summary>A datagram passed: the flow is the newest.</summary>
    internal void Touch(UdpFlow flow)
    {
        if (flow == _newest)
            return;
        Remove(flow);
        Add(flow);
    }

    /// <summary>The one that was touched next after <paramref name="flow"/>.</summary>
    internal UdpFlow? After(UdpFlow flow) => flow.Links(order).Next;
}
