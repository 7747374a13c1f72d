using System.Runtime.InteropServices;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Udp;

/// <summary>A socket that clients send to: sorts their datagrams by flow, and sends the answers of all its flows.</summary>
/// <remarks>A batch is read whole and then distributed: each flow sends its part by one call, and all new flows get their sockets
/// together, so that the target's namespace is entered once for them. Edge-triggered: a batch that is not full has emptied the
/// socket.</remarks>
public sealed class UdpListener : EventSource, IAnswerSender
{
    /// <summary>Batches read in one turn, so that a flood leaves turns to other sources.</summary>
    private const int BatchesPerTurn = 4;

    /// <summary>::ffff:0.0.0.0.</summary>
    private static readonly UInt128 s_anyFour = 0xffff_0000_0000;

    private readonly Dictionary<DatagramRoute, UdpFlow> _flows = [];
    private readonly List<UdpFlow> _fresh = [];
    private readonly List<UdpFlow> _addressed = [];
    private readonly int[] _next = new int[DatagramBatch.Capacity];
    private int _socket;
    private readonly ulong _cookie;
    private bool _hasMore;
    private bool _isDistributing;
    private int _largestInTrain = DatagramSending.NoLimit;

    /// <param name="table">The table of its flows.</param>
    /// <param name="socket">A bound datagram socket, owned from here on.</param>
    /// <param name="offset">Its position in the range of ports.</param>
    /// <param name="isSix">Whether it is one of AF_INET6.</param>
    public UdpListener(FlowTable table, int socket, int offset, bool isSix)
    {
        Table = table;
        Offset = offset;
        IsSix = isSix;
        _socket = socket;
        Buffers = UdpBuffers.Of(table.Loop);
        _cookie = Libc.NetworkNamespaceCookie(socket);
        Libc.LocalAddress(socket, out SockAddr address);
        var own = PeerAddress.From(address);
        Address = own.Bits == s_anyFour ? own with { Bits = 0 } : own;
    }

    /// <summary>Its address; 0 as the address of a wildcard listener.</summary>
    internal PeerAddress Address { get; }

    /// <summary>Its position in the range of ports.</summary>
    public int Offset { get; }

    internal FlowTable Table { get; }

    public bool IsSix { get; }

    internal UdpBuffers Buffers { get; }

    public int LargestInTrain => _largestInTrain;

    /// <summary>Begins to listen. On the loop.</summary>
    /// <returns>0, or a negated error.</returns>
    public int Start()
    {
        Table.Loop.Attach(this);
        EndpointSet.OfListeners.Add(_cookie, Address);
        return Table.Loop.Watch(this, 0, _socket, Libc.EPOLLIN | Libc.EPOLLET);
    }

    protected internal override void OnEvents(uint events, int end) => Read();

    protected internal override void OnResume()
    {
        Buffers.Answers.FlushFor(this);
        if (_hasMore)
            Read();
    }

    public void AskForTurn() => Table.Loop.Yield(this);

    public void OnTruncated() => Table.Owner.OnDropped(Errno.EMSGSIZE, towardsTarget: false);

    /// <summary>Makes the memory that the UDP listeners of a loop share. On the loop's thread.</summary>
    /// <exception cref="OutOfMemoryException">There is not enough memory.</exception>
    public static void Prepare(EventLoop loop) => _ = UdpBuffers.Of(loop);

    private void Read()
    {
        DatagramBatch batch = Buffers.FromClients;
        _hasMore = false;
        for (int turn = 0; turn < BatchesPerTurn; turn++)
        {
            int count = batch.Receive(_socket, 0);
            if (count == -(int)Errno.EAGAIN)
                return;
            if (count < 0)
                break;
            Sort(batch, count);
            Distribute();
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
            // A sender without a port cannot be answered: the address is forged.
            if (route.ClientPort == 0)
                continue;
            if (batch.IsTruncated(slot))
            {
                Table.Owner.OnDropped(Errno.EMSGSIZE, towardsTarget: true);
                continue;
            }
            if (last is null || last.HasEnded || last.Route != route)
                last = Find(route, batch.CameByLoopback(slot));
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

    /// <summary>Whether an address is that of a listener of this process; of a wildcard one it is any local address with its
    /// port.</summary>
    internal bool IsListener(PeerAddress address, bool isLocal) =>
        EndpointSet.OfListeners.Contains(_cookie, address)
        || (isLocal && EndpointSet.OfListeners.Contains(_cookie, address with { Bits = 0 }));

    private UdpFlow? Find(in DatagramRoute route, bool isLocal)
    {
        if (_flows.TryGetValue(route, out UdpFlow? known))
            return known;
        UdpFlow? flow = Table.Begin(this, route, isLocal);
        if (flow is null)
            return null;
        _flows.Add(route, flow);
        _fresh.Add(flow);
        return flow;
    }

    /// <summary>Gives each flow its datagrams of the batch.</summary>
    internal void Distribute()
    {
        // Making room for a flow ends another one, which asks for this again.
        if (_isDistributing)
            return;
        _isDistributing = true;
        if (_fresh.Count > 0)
        {
            Table.Owner.OnBegun(CollectionsMarshal.AsSpan(_fresh));
            _fresh.Clear();
        }
        // By index: a flow may end others here, but begins none.
        for (int i = 0; i < _addressed.Count; i++)
        {
            UdpFlow flow = _addressed[i];
            int first = flow.FirstSlot;
            flow.FirstSlot = UdpFlow.NoSlotOfBatch;
            if (!flow.HasEnded)
                flow.Take(Buffers.FromClients, first, _next);
        }
        _addressed.Clear();
        _isDistributing = false;
    }

    public void Send(DatagramOutbox answers)
    {
        if (answers.Count == 0)
            return;
        SendResult result = DatagramSending.Send(answers, _socket, isConnected: false, ref _largestInTrain);
        Table.Counters.AddToClient(result.Bytes);
        if (result.Dropped != Errno.None)
            Table.Owner.OnDropped(result.Dropped, towardsTarget: false);
    }

    internal void Forget(UdpFlow flow) => _flows.Remove(flow.Route);

    /// <summary>Ends its flows and closes the socket. On the loop; does nothing the second time.</summary>
    public void Stop()
    {
        if (_socket < 0)
            return;
        EndpointSet.OfListeners.Remove(_cookie, Address);
        Buffers.Answers.FlushFor(this);
        foreach (UdpFlow flow in _flows.Values.ToArray())
            flow.End(new RelayOutcome(EndReason.Aborted));
        // Not left to the close: the socket stays open in the half or the manager that made it.
        Table.Loop.Unwatch(_socket);
        Table.Loop.Detach(this);
        Libc.Close(_socket);
        _socket = -1;
    }
}
