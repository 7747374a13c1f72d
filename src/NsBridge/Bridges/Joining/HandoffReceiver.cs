using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Connecting;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Joining;

/// <summary>The owner of <see cref="HandoffReceiver"/>s. Called on their loop.</summary>
internal interface IHandoffClients
{
    /// <summary>Whether a client of another process may be taken; reports a shortage.</summary>
    bool HasRoom { get; }

    /// <summary>Checks and admits a client of another process, and gives it a number; a refused client is closed.</summary>
    bool AdmitForeign(HandoffReceiver receiver, ref AcceptedClient accepted);

    /// <summary>Clients were handed off for which this process had no descriptor left.</summary>
    void OnLostInTransit(HandoffReceiver receiver, ReadOnlySpan<byte> records);

    /// <summary>The link has ended.</summary>
    void Remove(HandoffReceiver receiver);
}

/// <summary>The inner half's end of a handoff link: takes accepted connections over. The other end is an outer half of the daemon's own
/// user; what it sends is checked all the same, and everything but connected TCP sockets is closed.</summary>
/// <param name="owner">Admits the clients.</param>
/// <param name="connector">Owns a client from <see cref="Connector.Connect"/> on; its loop is the receiver's.</param>
/// <param name="socket">The connection, owned from here on.</param>
/// <param name="isOwn">Whether the other end is the bridge's own outer half, which has checked, admitted and counted its clients.</param>
internal sealed class HandoffReceiver(IHandoffClients owner, Connector connector, int socket, bool isOwn)
    : HalfReceiver(connector.Loop, socket)
{
    /// <summary>Milliseconds until the next look for free descriptors.</summary>
    private const int Pause = 100;

    private readonly Queue<HandoffNotice> _notices = new();
    private bool _isRetired;
    private bool _isDrained;

    /// <summary>Whether the other end is the bridge's own outer half.</summary>
    public bool IsOwn => isOwn;

    /// <summary>Whether clients may be taken; clients that stay in the link lose only time. A message with more clients than there is room
    /// for fits into the reserve (see <see cref="DescriptorBudget.ClientsPerMessage"/>). Clients of this process were admitted with room
    /// for the target too.</summary>
    private bool HasRoom => isOwn || owner.HasRoom;

    private uint Interest => (_isDrained ? 0 : Libc.EPOLLIN | Libc.EPOLLRDHUP) | (_notices.Count > 0 ? Libc.EPOLLOUT : 0);

    /// <summary>Announces that clients are taken. On the loop.</summary>
    public void Start()
    {
        if (Begin(Interest, HandoffLink.Hello) < 0)
            Loop.SetTimer(this, Pause);
    }

    private void Watch()
    {
        // Without kernel memory for the watch, it is repeated later; clients wait in the link.
        if (Loop.Watch(this, 0, Socket, Interest) < 0)
            Loop.SetTimer(this, Pause);
    }

    /// <summary>Takes what was sent so far and nothing more: the outer half cannot send from now on, and makes a new link. It still learns
    /// how the clients that it handed off end. On the loop; repeated calls do nothing.</summary>
    public void Retire()
    {
        if (Socket < 0 || _isRetired)
            return;
        _isRetired = true;
        // The kernel's lock decides: a message sent before is in the queue, a later one is refused and remains the sender's.
        Libc.Shutdown(Socket, Libc.SHUT_RD);
        while (HasRoom && Read())
        {
        }
        Notify(HandoffNotice.TakesNoMore);
    }

    protected override void OnEvents(uint events, int end)
    {
        if ((events & Libc.EPOLLOUT) != 0 && SendNotices())
            Loop.Rewatch(this, 0, Socket, Interest);
        if (_isDrained)
        {
            if ((events & (Libc.EPOLLHUP | Libc.EPOLLERR)) != 0)
                owner.Remove(this);
        }
        else if (HasRoom)
        {
            Read();
        }
        else
        {
            // Not watched at all in the pause: the outer half's end would be reported again and again.
            Loop.Unwatch(Socket);
            Loop.SetTimer(this, Pause);
        }
    }

    protected override void OnTimer()
    {
        SendNotices();
        if (_isDrained || HasRoom)
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

    /// <returns>Whether clients came; false if there is nothing more, or the link has ended.</returns>
    private bool Read()
    {
        Span<byte> records = stackalloc byte[HandoffLink.MostPerMessage * HandoffRecord.Size];
        Span<int> descriptors = stackalloc int[Libc.DescriptorsPerMessage];
        nint read = Libc.ReceiveDescriptors(Socket, records, descriptors, out int count, out bool truncated);
        if (read == -(nint)(int)Errno.EAGAIN)
            return false;
        if (read == 0 && _isRetired)
        {
            // This half's own shutdown reads as an end too; EPOLLHUP reports that the outer half has gone.
            _isDrained = true;
            Loop.Rewatch(this, 0, Socket, Interest);
            return false;
        }
        if (read <= 0)
        {
            owner.Remove(this);
            return false;
        }
        int announced = (int)read / HandoffRecord.Size;
        // The kernel has closed the descriptors that did not fit into this process; these are the last ones.
        bool isWellFormed = read % HandoffRecord.Size == 0 && (truncated ? count <= announced : count == announced);
        if (!isWellFormed)
        {
            foreach (int descriptor in descriptors[..count])
                Libc.Close(descriptor);
            owner.Remove(this);
            return false;
        }
        Take(records, descriptors[..count]);
        if (truncated)
            owner.OnLostInTransit(this, records[(count * HandoffRecord.Size)..(int)read]);
        return true;
    }

    /// <summary>Owns the descriptors from here on: the admitted ones go to the connector, the owner closes the others.</summary>
    private void Take(ReadOnlySpan<byte> records, ReadOnlySpan<int> descriptors)
    {
        Span<AcceptedClient> clients = stackalloc AcceptedClient[descriptors.Length];
        int taken = 0;
        for (int i = 0; i < descriptors.Length; i++)
        {
            HandoffRecord record = HandoffRecord.Read(records[(i * HandoffRecord.Size)..]);
            var client = new AcceptedClient(descriptors[i], SocketKind.Tcp, record.Peer, record.Offset, record.Number);
            if (isOwn || owner.AdmitForeign(this, ref client))
                clients[taken++] = client;
        }
        if (taken > 0)
            connector.Connect(clients[..taken]);
    }

    /// <summary>Reports to the outer half of another process how a connection ended; does nothing once the link is closed.</summary>
    public void Notify(in HandoffNotice notice)
    {
        // Clients outlive the link, whose descriptor may have another use by now.
        if (Socket < 0)
            return;
        _notices.Enqueue(notice);
        // With more than one they wait for EPOLLOUT already.
        if (_notices.Count == 1 && !SendNotices())
            Loop.Rewatch(this, 0, Socket, Interest);
    }

    /// <returns>False if some have to wait.</returns>
    private bool SendNotices()
    {
        Span<byte> bytes = stackalloc byte[HandoffNotice.Size];
        while (_notices.TryPeek(out HandoffNotice notice))
        {
            notice.Write(bytes);
            // All or nothing: a message this small is never cut on a UNIX socket.
            nint sent = Libc.Send(Socket, bytes);
            if (sent == -(nint)(int)Errno.EAGAIN)
                return false;
            _notices.Dequeue();
        }
        return true;
    }

    public override void Close()
    {
        base.Close();
        _notices.Clear();
    }
}
