namespace NsBridge.Relaying.Udp;

/// <summary>The flows of one client that are of one kind, the one with the oldest datagram first. A flow and a group belong to at most one
/// list at a time and own their node of it, so moving them allocates nothing.</summary>
internal sealed class FlowGroup
{
    internal FlowGroup() => InRanking = new LinkedListNode<FlowGroup>(this);

    internal LinkedList<UdpFlow> Flows { get; } = new();

    internal LinkedListNode<FlowGroup> InRanking { get; }
}

/// <summary>The flows of one client: an IPv4 address or an IPv6 /64.</summary>
internal sealed class FlowClient
{
    /// <summary>Flows whose client has not sent again after an answer.</summary>
    internal FlowGroup Newcomers { get; } = new();

    /// <summary>Flows whose client has.</summary>
    internal FlowGroup Conversations { get; } = new();

    internal int Count => Newcomers.Flows.Count + Conversations.Flows.Count;

    /// <summary>The flow with the oldest datagram, of at least one.</summary>
    internal UdpFlow Oldest
    {
        get
        {
            UdpFlow? newcomer = Newcomers.Flows.First?.Value, conversation = Conversations.Flows.First?.Value;
            bool isNewcomer = conversation is null || newcomer?.LastDatagram < conversation.LastDatagram;
            return isNewcomer ? newcomer! : conversation!;
        }
    }
}

/// <summary>The flows of one kind, in groups by client. Of all flows the first to go is the oldest one of the client with the most, and of
/// several such clients of the one that has been silent longest. Each call costs the same for any number of flows.</summary>
internal sealed class FlowRanking
{
    // By the number of flows. A group moves by one, and so does the largest number.
    private readonly List<LinkedList<FlowGroup>> _groups = [new()];
    private int _largest;

    /// <summary>All flows.</summary>
    internal int Count { get; private set; }

    /// <summary>The first flow to go; null if there is none.</summary>
    internal UdpFlow? First => _groups[_largest].First?.Value.Flows.First?.Value;

    internal void Add(FlowGroup group, UdpFlow flow)
    {
        group.Flows.AddLast(flow.InGroup);
        Count++;
        Move(group, group.Flows.Count - 1);
    }

    internal void Remove(FlowGroup group, UdpFlow flow)
    {
        group.Flows.Remove(flow.InGroup);
        Count--;
        Move(group, group.Flows.Count + 1);
    }

    private void Move(FlowGroup group, int before)
    {
        int now = group.Flows.Count;
        if (before > 0)
            _groups[before].Remove(group.InRanking);
        if (now == _groups.Count)
            _groups.Add(new LinkedList<FlowGroup>());
        if (now > 0)
            _groups[now].AddLast(group.InRanking);
        if (now > _largest || (before == _largest && _groups[before].Count == 0))
            _largest = now;
    }

    /// <summary>The flow has a new datagram.</summary>
    internal void Touch(FlowGroup group, UdpFlow flow)
    {
        MoveToEnd(group.Flows, flow.InGroup);
        MoveToEnd(_groups[group.Flows.Count], group.InRanking);
    }

    private static void MoveToEnd<T>(LinkedList<T> list, LinkedListNode<T> node)
    {
        if (node == list.Last)
            return;
        list.Remove(node);
        list.AddLast(node);
    }
}
