using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Tcp;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Joining;

/// <summary>
/// The inner half's end of a handoff link: takes accepted connections over. Only an outer half of the daemon's own user gets
/// here; what it sends is checked all the same, and anything but connected TCP sockets is closed.
/// </summary>
internal sealed class HandoffReceiver : EventSource
{
    /// <summary>Milliseconds between looks for free descriptors.</summary>
    private const int Pause = 100;

    private readonly InnerConnections _owner;
    private readonly Connector _connector;
    private readonly bool _isOwn;
    private readonly Queue<HandoffNotice> _notices = new();
    private int _socket;
    private bool _retired;
    private bool _drained;

    /// <param name="owner">Whose socket it came to.</param>
    /// <param name="connector">Who dials for what comes here; on its loop this lives.</param>
    /// <param name="socket">The connection, owned from here on.</param>
    /// <param name="isOwn">Whether the bridge's own outer half is the other end: it has checked and admitted what it sends, and counts by itself.</param>
    public HandoffReceiver(InnerConnections owner, Connector connector, int socket, bool isOwn)
    {
        _owner = owner;
        _connector = connector;
        _socket = socket;
        _isOwn = isOwn;
    }

    /// <summary>Whether the bridge's own outer half is the other end.</summary>
    public bool IsOwn => _isOwn;

    private EventLoop Loop => _connector.Loop;

    /// <summary>
    /// Whether clients may be taken: while they stay in the link nothing is lost but time. A message of more than there is room for fits into the reserve
    /// (see <see cref="HandoffLink.ClientsPerMessage"/>). Those of this process came in with room for the target too.
    /// </summary>
    private bool HasRoom => _isOwn || _owner.HasRoom;

    private uint Interest => (_drained ? 0 : Libc.EPOLLIN | Libc.EPOLLRDHUP) | (_notices.Count > 0 ? Libc.EPOLLOUT : 0);

    /// <summary>Says that descriptors are taken. On the loop.</summary>
    public void Start()
    {
        Loop.Attach(this);
        Watch();
        Libc.Send(_socket, HandoffLink.Hello);
    }

    private void Watch()
    {
        // Where the kernel has no memory for it now: later. What is sent meanwhile waits in the link.
        if (Loop.Watch(this, 0, _socket, Interest) < 0)
            Loop.SetTimer(this, Pause);
    }

    /// <summary>
    /// Takes what was sent so far and nothing more: from this moment on the outer half cannot send, and links anew. It still hears how those whom it
    /// handed over end. On the loop; again does nothing.
    /// </summary>
    public void Retire()
    {
        if (_socket < 0 || _retired)
            return;
        _retired = true;
        // The kernel's own lock decides: what was sent before is in the queue, what comes later is refused and still the sender's.
        Libc.Shutdown(_socket, Libc.SHUT_RD);
        while (HasRoom && Read())
        {
        }
        Notify(HandoffNotice.TakesNoMore);
    }

    protected override void OnEvents(uint events, int end)
    {
        if ((events & Libc.EPOLLOUT) != 0 && SendNotices())
            Loop.Rewatch(this, 0, _socket, Interest);
        if (_drained)
        {
            if ((events & (Libc.EPOLLHUP | Libc.EPOLLERR)) != 0)
                _owner.Remove(this);
        }
        else if (HasRoom)
        {
            Read();
        }
        else
        {
            // Not watched at all meanwhile: the end of the outer half would be told again and again.
            Loop.Unwatch(_socket);
            Loop.SetTimer(this, Pause);
        }
    }

    protected override void OnTimer()
    {
        SendNotices();
        if (_drained || HasRoom)
            Watch();
        else
            Loop.SetTimer(this, Pause);
    }

    /// <summary>Takes over what was sent so far, with room or without. On the loop.</summary>
    public void Drain()
    {
        while (Read())
        {
        }
    }

    /// <returns>Whether clients came; false where there is nothing more, or the link has gone.</returns>
    private bool Read()
    {
        Span<byte> records = stackalloc byte[HandoffLink.MostPerMessage * HandoffRecord.Size];
        Span<int> descriptors = stackalloc int[Libc.DescriptorsPerMessage];
        nint read = Libc.ReceiveDescriptors(_socket, records, descriptors, out int count, out bool truncated);
        if (read == -(nint)(int)Errno.EAGAIN)
            return false;
        if (read == 0 && _retired)
        {
            // Its own shutdown reads as an end too; whether the outer half has gone is told by EPOLLHUP.
            _drained = true;
            Loop.Rewatch(this, 0, _socket, Interest);
            return false;
        }
        if (read <= 0)
        {
            _owner.Remove(this);
            return false;
        }
        int announced = (int)read / HandoffRecord.Size;
        // Descriptors that did not fit into this process are lost, from the last one on: the kernel has closed them.
        bool wellFormed = read % HandoffRecord.Size == 0 && (truncated ? count <= announced : count == announced);
        if (!wellFormed)
        {
            foreach (int descriptor in descriptors[..count])
                Libc.Close(descriptor);
            _owner.Remove(this);
            return false;
        }
        Take(records, descriptors[..count]);
        if (truncated)
            _owner.OnLostInTransit(this, records[(count * HandoffRecord.Size)..(int)read]);
        return true;
    }

    private void Take(ReadOnlySpan<byte> records, ReadOnlySpan<int> descriptors)
    {
        Span<AcceptedClient> clients = stackalloc AcceptedClient[descriptors.Length];
        int taken = 0;
        for (int i = 0; i < descriptors.Length; i++)
        {
            HandoffRecord record = HandoffRecord.Read(records[(i * HandoffRecord.Size)..]);
            var client = new AcceptedClient(descriptors[i], SocketKind.Tcp, record.Peer, record.Offset, record.Number);
            if (_isOwn || _owner.AdmitForeign(this, ref client))
                clients[taken++] = client;
        }
        if (taken > 0)
            _connector.Connect(clients[..taken]);
    }

    /// <summary>Tells the outer half of another process how a connection ended. Where that has gone, nobody.</summary>
    public void Notify(in HandoffNotice notice)
    {
        // What was handed over outlives the link, whose descriptor may be somebody else's by now.
        if (_socket < 0)
            return;
        _notices.Enqueue(notice);
        // More than one: they wait for EPOLLOUT.
        if (_notices.Count == 1 && !SendNotices())
            Loop.Rewatch(this, 0, _socket, Interest);
    }

    /// <returns>False where some have to wait.</returns>
    private bool SendNotices()
    {
        Span<byte> bytes = stackalloc byte[HandoffNotice.Size];
        while (_notices.TryPeek(out HandoffNotice notice))
        {
            notice.Write(bytes);
            // All or nothing: a message this small is never cut on a UNIX socket.
            nint sent = Libc.Send(_socket, bytes);
            if (sent == -(nint)(int)Errno.EAGAIN)
                return false;
            _notices.Dequeue();
        }
        return true;
    }

    /// <summary>Closes the link. On the loop.</summary>
    public void Close()
    {
        if (!IsAttached)
            return;
        Loop.Detach(this);
        Libc.Close(_socket);
        _socket = -1;
        _notices.Clear();
    }
}
