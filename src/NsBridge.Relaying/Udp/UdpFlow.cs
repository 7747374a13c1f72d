using System.Diagnostics;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Udp;

/// <summary>The datagrams between one client address and one address of a listener. The flow has a socket of its own, so that errors and
/// answers of the target reach this client alone.</summary>
/// <remarks>The socket is connected to the target's address without a port: the kernel then takes datagrams of that address from any port
/// and reports ICMP errors, and each datagram to the target names its port. A service may answer from another port than it listens on
/// (TFTP); what the client sends next goes there. A flow without a socket waits: its owner gives it one by <see cref="Open"/>. Its first
/// datagrams are kept until then, and until the target has answered or the time for that is over: another socket sends them
/// again.</remarks>
public sealed class UdpFlow : EventSource, IAnswerFlow
{
    /// <summary>No slot of a batch.</summary>
    internal const int NoSlotOfBatch = -1;

    /// <summary>Batches read in one turn.</summary>
    private const int BatchesPerTurn = 4;

    private long _beganAt;
    private FlowBacklog _backlog;
    private SockAddr _target;
    private PeerAddress _own;
    private int _socket;
    private bool _needsHeader;
    private int _largestInTrain;
    private long _keepUntil;

    internal UdpFlow()
    {
        InGroup = new LinkedListNode<UdpFlow>(this);
        InQueue = new LinkedListNode<UdpFlow>(this);
    }

    /// <summary>Begins it; an ended one becomes another flow.</summary>
    internal void Begin(UdpListener listener, in DatagramRoute route, PeerAddress peer, FlowClient client)
    {
        Listener = listener;
        Route = route;
        Peer = peer;
        Id = ConnectionOrigin.NextId();
        Client = client;
        _beganAt = Stopwatch.GetTimestamp();
        _socket = -1;
        _largestInTrain = DatagramSending.NoLimit;
        _keepUntil = 0;
        BytesToTarget = BytesToClient = 0;
        HasEnded = HasAnswered = IsConversation = false;
        Began = LastDatagram = Loop.Now;
        Loop.Attach(this);
        RestartTimer();
    }

    /// <summary>The client.</summary>
    public PeerAddress Peer { get; private set; }

    /// <summary>As <see cref="ConnectionOrigin.Id"/>.</summary>
    public ulong Id { get; private set; }

    /// <summary>The listener's position in the range of ports.</summary>
    public int Offset => Listener.Offset;

    /// <summary>Milliseconds since the last datagram either way.</summary>
    public long IdleTime => Loop.Now - LastDatagram;

    /// <summary>The network namespace of its socket; 0 while it has none.</summary>
    public ulong Cookie { get; private set; }

    /// <summary>When it began, as <see cref="EventLoop.Now"/>.</summary>
    public long Began { get; private set; }

    /// <summary>When its last datagram came, either way.</summary>
    internal long LastDatagram { get; private set; }

    /// <summary>Index of the target's address that the owner tried last.</summary>
    public int AddressIndex { get; set; }

    /// <summary>Whether it has no socket.</summary>
    public bool IsWaiting => _socket < 0;

    public bool HasEnded { get; private set; }

    /// <summary>Whether the target has ever answered.</summary>
    public bool HasAnswered { get; private set; }

    /// <summary>Its node for the owner's list of waiting flows.</summary>
    public LinkedListNode<UdpFlow> InQueue { get; }

    /// <summary>Payload bytes that the target's socket took, each datagram once.</summary>
    public long BytesToTarget { get; private set; }

    /// <summary>Payload bytes from the target.</summary>
    public long BytesToClient { get; private set; }

    /// <summary>Microseconds since it began.</summary>
    public long AgeMicroseconds => (long)Stopwatch.GetElapsedTime(_beganAt).TotalMicroseconds;

    /// <summary>The flows of its client.</summary>
    internal FlowClient Client { get; private set; } = null!;

    internal FlowGroup Group => IsConversation ? Client.Conversations : Client.Newcomers;

    /// <summary>Its node in that group.</summary>
    internal LinkedListNode<UdpFlow> InGroup { get; }

    internal UdpListener Listener { get; private set; } = null!;

    /// <summary>The address that the client sends to; the listener's if the kernel does not report it.</summary>
    public PeerAddress Local => Route.HasLocal ? Listener.Address with { Bits = Route.LocalBits } : Listener.Address;

    public DatagramRoute Route { get; private set; }

    /// <summary>Whether the client has sent again after an answer.</summary>
    internal bool IsConversation { get; set; }

    /// <summary>The first slot of its datagrams in the current batch; the listener links the slots.</summary>
    internal int FirstSlot { get; set; } = NoSlotOfBatch;

    internal int LastSlot { get; set; }

    internal bool IsAddressed => FirstSlot != NoSlotOfBatch;

    private FlowTable Table => Listener.Table;

    private EventLoop Loop => Listener.Table.Loop;

    /// <summary>Gives a waiting flow its socket, and sends the kept datagrams.</summary>
    /// <param name="socket">A datagram socket, connected to the target's address and port 0; owned from here on.</param>
    /// <param name="target">The target.</param>
    /// <param name="own">The socket's own address.</param>
    /// <param name="cookie">The network namespace it belongs to.</param>
    /// <param name="keepFor">Milliseconds for which datagrams are kept while the target has not answered.</param>
    public void Open(int socket, in SockAddr target, in SockAddr own, ulong cookie, long keepFor)
    {
        _socket = socket;
        _needsHeader = true;
        _target = target;
        _own = PeerAddress.From(own);
        Cookie = cookie;
        EndpointSet.OfFlows.Add(cookie, _own);
        // Kept datagrams are sent now, however old they are: the answer has the whole idle timeout.
        LastDatagram = Loop.Now;
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
        DatagramOutbox outbox = EmptyOutbox();
        _backlog.AddTo(outbox);
        Errno failed = Send(outbox, again: _backlog.Counted);
        if (_keepUntil == 0)
            ForgetKept();
        if (failed != Errno.None)
            Table.Owner.OnFailed(this, failed);
    }

    /// <summary>Closes the socket: the flow waits for another one.</summary>
    public void CloseSocket()
    {
        if (_socket < 0)
            return;
        // First: another flow may get the same port at once.
        EndpointSet.OfFlows.Remove(Cookie, _own);
        Libc.Close(_socket);
        _socket = -1;
        Cookie = 0;
        _keepUntil = 0;
    }

    /// <summary>Sends the client's datagrams of a batch to the target.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="first">The first slot.</param>
    /// <param name="next">For each slot the next one.</param>
    internal void Take(DatagramBatch batch, int first, int[] next)
    {
        LastDatagram = Loop.Now;
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
        DatagramOutbox outbox = EmptyOutbox();
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
            int before = _backlog.Size, allowance = FlowTable.KeptBytes - Table.Kept;
            if (!_backlog.TryKeep(Listener.Buffers.Blocks, address + offset, Math.Min(size, length - offset), allowance))
                return;
            Table.Kept += _backlog.Size - before;
        }
    }

    private DatagramOutbox EmptyOutbox()
    {
        DatagramOutbox outbox = Listener.Buffers.ToTarget;
        outbox.ClearFor(_target);
        if (_needsHeader)
            outbox.Precede(Table.Owner.WriteHeader(this, outbox.Header));
        return outbox;
    }

    private Errno Send(DatagramOutbox outbox, int again)
    {
        SendResult result = DatagramSending.Send(outbox, _socket, isConnected: true, ref _largestInTrain);
        // A datagram that is not taken leaves the header to the next one.
        _needsHeader &= !result.HasTakenFirst;
        long first = Math.Max(0, result.Bytes - again);
        _backlog.NoteCounted(first);
        BytesToTarget += first;
        Table.Counters.AddToTarget(first);
        if (result.Dropped != Errno.None)
            Table.Owner.OnDropped(result.Dropped, towardsTarget: true);
        return result.Failed;
    }

    // Also called for a late event of a socket that was closed.
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
        bool hasRead = false, isDrained = false;
        for (int turn = 0; turn < BatchesPerTurn && !isDrained; turn++)
        {
            int count = Listener.Buffers.Answers.Read(Listener, this, _socket, out long bytes, out isDrained);
            read += bytes;
            if (count > 0)
            {
                hasRead = true;
                if (!HasAnswered)
                    OnFirstAnswer();
                continue;
            }
            // The kernel reports an error before pending answers, which are read all the same.
            isDrained = count == -(int)Errno.EAGAIN || count == 0;
            // A narrow link on the path to the target: the kernel sends fragments from now on.
            if (count == -(int)Errno.EMSGSIZE)
                Table.Owner.OnDropped(Errno.EMSGSIZE, towardsTarget: true);
            else if (!isDrained)
                failed = Libc.ErrorOf(count);
        }
        if (hasRead)
        {
            BytesToClient += read;
            LastDatagram = Loop.Now;
            Table.Touch(this);
        }
        if (failed != Errno.None)
            Table.Owner.OnFailed(this, failed);
        else if (!isDrained)
            Loop.Yield(this);
    }

    /// <summary>Whether a datagram of the target's address is an answer: it is one unless another flow has sent it. The client's next
    /// datagrams go to its port.</summary>
    public bool TakesFrom(ushort port)
    {
        if (port == _target.Port)
            return true;
        SockAddr sender = _target.WithPort(port);
        if (EndpointSet.OfFlows.Contains(Cookie, PeerAddress.From(sender)))
            return false;
        _target = sender;
        return true;
    }

    private void OnFirstAnswer()
    {
        HasAnswered = true;
        ForgetKept();
        Table.Owner.OnAnswered(this);
    }

    private void ForgetKept()
    {
        _keepUntil = 0;
        Table.Kept -= _backlog.Size;
        _backlog.Clear(Listener.Buffers.Blocks);
    }

    // Datagrams do not set the timer: when it expires, it checks how long ago the last one was.
    internal void RestartTimer()
    {
        long idle = Table.IdleTimeout > 0 && !IsWaiting ? LastDatagram + Table.IdleTimeout : long.MaxValue;
        long deadline = Math.Min(idle, _keepUntil > 0 ? _keepUntil : long.MaxValue);
        if (deadline == long.MaxValue)
            Loop.ClearTimer(this);
        else
            Loop.SetTimer(this, deadline - Loop.Now);
    }

    protected internal override void OnTimer()
    {
        if (_keepUntil > 0 && Loop.Now >= _keepUntil)
            ForgetKept();
        if (Table.IdleTimeout > 0 && !IsWaiting && Loop.Now - LastDatagram >= Table.IdleTimeout)
            End(new RelayOutcome(EndReason.Idle));
        else
            RestartTimer();
    }

    /// <summary>Ends the flow; the client's next datagram begins another one. Does nothing the second time.</summary>
    public void End(RelayOutcome outcome)
    {
        if (HasEnded)
            return;
        HasEnded = true;
        ForgetKept();
        CloseSocket();
        Loop.Detach(this);
        Listener.Buffers.Answers.Forget(this);
        Listener.Forget(this);
        Table.Remove(this);
        Table.Owner.OnEnded(this, outcome);
    }
}
