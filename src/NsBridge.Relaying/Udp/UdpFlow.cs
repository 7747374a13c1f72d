using System.Diagnostics;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Relaying.Udp;

/// <summary>
/// What one client address sends to one address of a listener, and the answers: a connected socket of its own, so that errors and
/// answers of the target are this client's alone.
/// </summary>
/// <remarks>
/// A flow without a socket waits: its owner gives it one by <see cref="Open"/>. Its first datagrams are kept until then, and
/// beyond, where the owner may want to try another socket: until the target has answered or the time for it is over. All that is kept is
/// sent again by the next socket.
/// </remarks>
public sealed class UdpFlow : EventSource
{
    /// <summary>A slot number of a batch that means none.</summary>
    internal const int NoSlotOfBatch = -1;

    /// <summary>Batches read at one turn.</summary>
    private const int BatchesPerTurn = 4;

    private readonly long _beganAt = Stopwatch.GetTimestamp();
    private FlowLinks _ofAll;
    private FlowLinks _ofClient;
    private FlowBacklog _backlog;
    private int _socket = -1;
    private int _largestInTrain = DatagramSending.NoLimit;
    private long _lastDatagram;
    private long _keepUntil;

    internal UdpFlow(UdpListener listener, in DatagramRoute route, PeerAddress peer)
    {
        Listener = listener;
        Route = route;
        Peer = peer;
        Began = _lastDatagram = Loop.Now;
        Loop.Attach(this);
        RestartTimer();
    }

    /// <summary>The client.</summary>
    public PeerAddress Peer { get; }

    /// <summary>The listener's position in the range of ports.</summary>
    public int Offset => Listener.Offset;

    /// <summary>The network namespace of its socket; 0 while it has none.</summary>
    public ulong Cookie { get; private set; }

    /// <summary>When it began, as <see cref="EventLoop.Now"/>.</summary>
    public long Began { get; }

    /// <summary>Which address of the target the owner has tried last.</summary>
    public int AddressIndex { get; set; }

    /// <summary>Whether it has no socket.</summary>
    public bool IsWaiting => _socket < 0;

    public bool HasEnded { get; private set; }

    /// <summary>Whether the target has ever answered.</summary>
    public bool HasAnswered { get; private set; }

    /// <summary>The owner's place for it among those that wait; null where it is not there.</summary>
    public LinkedListNode<UdpFlow>? Parked { get; set; }

    /// <summary>Payload that the target's socket has taken, each datagram once.</summary>
    public long BytesToTarget { get; private set; }

    /// <summary>Payload that came from the target.</summary>
    public long BytesToClient { get; private set; }

    /// <summary>Microseconds since it began.</summary>
    public long AgeMicroseconds => (long)Stopwatch.GetElapsedTime(_beganAt).TotalMicroseconds;

    internal UdpListener Listener { get; }

    internal DatagramRoute Route { get; }

    /// <summary>Whether the client has sent again after an answer.</summary>
    internal bool IsConversation { get; set; }

    /// <summary>The slots that its datagrams have in the batch under way, a chain.</summary>
    internal int FirstSlot { get; set; } = NoSlotOfBatch;

    internal int LastSlot { get; set; }

    internal bool IsAddressed => FirstSlot != NoSlotOfBatch;

    private FlowTable Table => Listener.Table;

    private EventLoop Loop => Listener.Table.Loop;

    internal ref FlowLinks Links(FlowOrder order) => ref order == FlowOrder.OfAll ? ref _ofAll : ref _ofClient;

    /// <summary>Gives a waiting flow its socket, and sends what was kept.</summary>
    /// <param name="socket">A connected datagram socket, owned from here on.</param>
    /// <param name="cookie">The network namespace it belongs to.</param>
    /// <param name="keepFor">Milliseconds for which datagrams are kept while the target has not answered.</param>
    public void Open(int socket, ulong cookie, long keepFor)
    {
        _socket = socket;
        Cookie = cookie;
        // What is kept leaves now, however long ago it came: its answer has the whole idle timeout.
        _lastDatagram = Loop.Now;
        _keepUntil = keepFor > 0 ? Loop.Now + keepFor : 0;
        int watched = Loop.Watch(this, 0, socket, Libc.EPOLLIN | Libc.EPOLLET);
        if (watched < 0)
        {
            Table.Owner.OnFailed(this, Libc.ErrorOf(watched));
            return;
        }
        RestartTimer();
        if (_backlog.Count == 0)
            return;
        DatagramOutbox outbox = Listener.Gear.ToTarget;
        outbox.Clear();
        _backlog.AddTo(outbox);
        Errno failed = Send(outbox, again: _backlog.Counted);
        if (_keepUntil == 0)
            ForgetKept();
        if (failed != Errno.None)
            Table.Owner.OnFailed(this, failed);
    }

    /// <summary>Takes the socket away: the flow waits for another one.</summary>
    public void CloseSocket()
    {
        if (_socket < 0)
            return;
        Libc.Close(_socket);
        _socket = -1;
        Cookie = 0;
        _keepUntil = 0;
    }

    /// <summary>Passes the client's datagrams of a batch on.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="first">The first slot.</param>
    /// <param name="next">For each slot the next one.</param>
    internal void Take(DatagramBatch batch, int first, int[] next)
    {
        _lastDatagram = Loop.Now;
        if (HasAnswered && !IsConversation)
            Table.Promote(this);
        Table.Touch(this);
        if (IsWaiting || _keepUntil != 0)
        {
            for (int slot = first; slot != NoSlotOfBatch; slot = next[slot])
                Keep(batch.Address(slot), batch.Length(slot), batch.Segment(slot));
        }
        if (IsWaiting)
            return;
        DatagramOutbox outbox = Listener.Gear.ToTarget;
        outbox.Clear();
        for (int slot = first; slot != NoSlotOfBatch; slot = next[slot])
        {
            nint address = batch.Address(slot);
            int length = batch.Length(slot), segment = batch.Segment(slot);
            if (outbox.Count == 0 || !outbox.TryJoin(address, length, segment, _largestInTrain))
                outbox.Add(address, length, segment);
        }
        Errno failed = Send(outbox, again: 0);
        if (failed != Errno.None)
            Table.Owner.OnFailed(this, failed);
    }

    private void Keep(nint address, int length, int segment)
    {
        int size = segment == 0 ? Math.Max(length, 1) : segment;
        for (int offset = 0; offset < Math.Max(length, 1); offset += size)
        {
            int before = _backlog.Size;
            if (!_backlog.TryKeep(Loop.Blocks, address + offset, Math.Min(size, length - offset), FlowTable.KeptBytes - Table.Kept))
                return;
            Table.Kept += _backlog.Size - before;
        }
    }

    private Errno Send(DatagramOutbox outbox, int again)
    {
        SendResult tally = DatagramSending.Send(outbox, _socket, isConnected: true, ref _largestInTrain);
        long first = Math.Max(0, tally.Bytes - again);
        _backlog.NoteCounted(first);
        BytesToTarget += first;
        Table.Counters.AddToTarget(first);
        if (tally.Dropped != Errno.None)
            Table.Owner.OnDropped(tally.Dropped, towardsTarget: true);
        return tally.Failed;
    }

    // Also called for the socket before, by an event that was on its way when it was closed.
    protected internal override void OnEvents(uint events, int end) => OnResume();

    protected internal override void OnResume()
    {
        if (!IsWaiting)
            Read();
    }

    private void Read()
    {
        Errno failed = Errno.None;
        long read = 0;
        bool came = false;
        bool isDrained = false;
        for (int turn = 0; turn < BatchesPerTurn && !isDrained; turn++)
        {
            int count = Listener.Gear.Answers.Read(this, _socket, out long bytes, out isDrained);
            read += bytes;
            if (count > 0)
            {
                came = true;
                if (!HasAnswered)
                    OnFirstAnswer();
                continue;
            }
            // An error comes before the answers that wait: they are read all the same.
            isDrained = count == -(int)Errno.EAGAIN || count == 0;
            // A narrow place of the way to the target: the kernel sends in fragments from now on.
            if (count == -(int)Errno.EMSGSIZE)
                Table.Owner.OnDropped(Errno.EMSGSIZE, towardsTarget: true);
            else if (!isDrained)
                failed = Libc.ErrorOf(count);
        }
        if (came)
        {
            BytesToClient += read;
            _lastDatagram = Loop.Now;
            Table.Touch(this);
        }
        if (failed != Errno.None)
            Table.Owner.OnFailed(this, failed);
        else if (!isDrained)
            Loop.Again(this);
    }

    private void OnFirstAnswer()
    {
        HasAnswered = true;
        _keepUntil = 0;
        ForgetKept();
        Table.Owner.OnAnswered(this);
    }

    private void ForgetKept()
    {
        Table.Kept -= _backlog.Size;
        _backlog.Clear(Loop.Blocks);
    }

    // Datagrams do not touch the timer: it looks, when it runs out, how long ago the last one was.
    internal void RestartTimer()
    {
        long idle = Table.IdleTimeout > 0 && !IsWaiting ? _lastDatagram + Table.IdleTimeout : long.MaxValue;
        long deadline = Math.Min(idle, _keepUntil > 0 ? _keepUntil : long.MaxValue);
        if (deadline == long.MaxValue)
            Loop.ClearTimer(this);
        else
            Loop.SetTimer(this, deadline - Loop.Now);
    }

    protected internal override void OnTimer()
    {
        if (_keepUntil > 0 && Loop.Now >= _keepUntil)
        {
            _keepUntil = 0;
            ForgetKept();
        }
        if (Table.IdleTimeout > 0 && !IsWaiting && Loop.Now - _lastDatagram >= Table.IdleTimeout)
            End(new RelayOutcome(EndReason.Idle));
        else
            RestartTimer();
    }

    /// <summary>Ends the flow; the client's next datagram begins another one. Again does nothing.</summary>
    public void End(RelayOutcome outcome)
    {
        if (HasEnded)
            return;
        HasEnded = true;
        ForgetKept();
        CloseSocket();
        Loop.Detach(this);
        Listener.Forget(this);
        Table.Remove(this);
        Table.Owner.OnEnded(this, outcome);
    }
}
