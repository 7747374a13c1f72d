using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Relaying.Udp;

/// <summary>A socket that clients send to: sorts what comes by flow, and sends the answers of all its flows.</summary>
/// <remarks>
/// A batch is read whole, then dealt out: each flow that has something in it sends its part by one call, and all flows that are new get their
/// sockets together, so that the target's namespace is entered once for them. Edge-triggered: a batch that is not full has
/// emptied the socket.
/// </remarks>
public sealed class UdpListener : EventSource
{
    /// <summary>Batches at one turn, so that a flood leaves turns to others.</summary>
    private const int BatchesPerTurn = 4;

    private readonly Dictionary<DatagramRoute, UdpFlow> _flows = [];
    private readonly List<UdpFlow> _fresh = [];
    private readonly List<UdpFlow> _addressed = [];
    private readonly int[] _next = new int[DatagramBatch.Capacity];
    private int _socket;
    private bool _hasMore;
    private bool _isDealing;
    private int _largestInTrain = DatagramSending.NoLimit;

    /// <param name="table">Has its flows.</param>
    /// <param name="socket">A bound datagram socket, owned from here on.</param>
    /// <param name="offset">Its position in the range of ports, for the owner.</param>
    /// <param name="isSix">Whether it is one of AF_INET6.</param>
    public UdpListener(FlowTable table, int socket, int offset, bool isSix)
    {
        Table = table;
        Offset = offset;
        IsSix = isSix;
        _socket = socket;
        Gear = table.Loop.Datagrams;
    }

    /// <summary>Its position in the range of ports.</summary>
    public int Offset { get; }

    internal FlowTable Table { get; }

    internal bool IsSix { get; }

    internal UdpBuffers Gear { get; }

    /// <summary>Datagrams longer than this do not travel in trains.</summary>
    internal int LargestInTrain => _largestInTrain;

    /// <summary>Begins to listen. On the loop.</summary>
    /// <returns>0, or a negated error.</returns>
    public int Start()
    {
        Table.Loop.Attach(this);
        return Table.Loop.Watch(this, 0, _socket, Libc.EPOLLIN | Libc.EPOLLET);
    }

    protected internal override void OnEvents(uint events, int end) => Read();

    protected internal override void OnResume()
    {
        Gear.Answers.FlushFor(this);
        if (_hasMore)
            Read();
    }

    /// <summary>Asks the loop for a turn after the events of now, to send answers.</summary>
    internal void AskForTurn() => Table.Loop.Again(this);

    private void Read()
    {
        DatagramBatch batch = Gear.FromClients;
        _hasMore = false;
        for (int turn = 0; turn < BatchesPerTurn; turn++)
        {
            int count = batch.Receive(_socket, 0);
            if (count == -(int)Errno.EAGAIN)
                return;
            if (count < 0)
                break;
            Sort(batch, count);
            DealOut();
            DatagramSending.Pause(count);
            if (count < DatagramBatch.Capacity)
                return;
        }
        _hasMore = true;
        AskForTurn();
    }

    private void Sort(DatagramBatch batch, int count)
    {
        UdpFlow? last = null;
        for (int slot = 0; slot < count; slot++)
        {
            DatagramRoute route = batch.Route(slot);
            // A sender without a port cannot be answered; it is made up.
            if (route.ClientPort == 0)
                continue;
            if (batch.IsTruncated(slot))
            {
                Table.Owner.OnDropped(Errno.EMSGSIZE, towardsTarget: true);
                continue;
            }
            if (last is null || last.HasEnded || last.Route != route)
                last = Find(route);
            if (last is null)
                continue;
            _next[slot] = UdpFlow.NoSlotOfBatch;
            if (!last.IsAddressed)
            {
                last.FirstSlot = slot;
                _addressed.Add(last);
            }
            else
            {
                _next[last.LastSlot] = slot;
            }
            last.LastSlot = slot;
        }
    }

    private UdpFlow? Find(in DatagramRoute route)
    {
        if (_flows.TryGetValue(route, out UdpFlow? known))
            return known;
        UdpFlow? flow = Table.Begin(this, route);
        if (flow is null)
            return null;
        _flows.Add(route, flow);
        _fresh.Add(flow);
        return flow;
    }

    /// <summary>Gives each flow what is for it in the batch.</summary>
    internal void DealOut()
    {
        // Making room for one of its flows ends another: that has to wait for no deal, it is one already.
        if (_isDealing)
            return;
        _isDealing = true;
        if (_fresh.Count > 0)
        {
            Table.Owner.OnBegun(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_fresh));
            _fresh.Clear();
        }
        // By index: what a flow does may end others, but begins none.
        for (int i = 0; i < _addressed.Count; i++)
        {
            UdpFlow flow = _addressed[i];
            int first = flow.FirstSlot;
            flow.FirstSlot = UdpFlow.NoSlotOfBatch;
            if (!flow.HasEnded)
                flow.Take(Gear.FromClients, first, _next);
        }
        _addressed.Clear();
        _isDealing = false;
    }

    /// <summary>Sends answers to clients.</summary>
    internal void Answer(DatagramOutbox outbox)
    {
        if (outbox.Count == 0)
            return;
        SendResult tally = DatagramSending.Send(outbox, _socket, isConnected: false, ref _largestInTrain);
        Table.Counters.AddToClient(tally.Bytes);
        if (tally.Dropped != Errno.None)
            Table.Owner.OnDropped(tally.Dropped, towardsTarget: false);
    }

    internal void Forget(UdpFlow flow) => _flows.Remove(flow.Route);

    /// <summary>Ends its flows and closes the socket. On the loop; again does nothing.</summary>
    public void Stop()
    {
        if (_socket < 0)
            return;
        Gear.Answers.FlushFor(this);
        foreach (UdpFlow flow in _flows.Values.ToArray())
            flow.End(new RelayOutcome(EndReason.Aborted));
        // Said to epoll, not left to the close: the socket stays open in the half or the manager that made it.
        Table.Loop.Unwatch(_socket);
        Table.Loop.Detach(this);
        Libc.Close(_socket);
        _socket = -1;
    }
}
