using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Listening;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Joining;

/// <summary>
/// The outer half's end of a kept connection to the bridge's UNIX socket: hands accepted connections over as descriptors, and hears
/// from an inner half of another process how each ended.
/// </summary>
internal sealed class HandoffLink : EventSource
{
    /// <summary>What an inner half says first, to an outer half whose descriptors it takes.</summary>
    public static ReadOnlySpan<byte> Hello => "nsbridge handoff 1\n"u8;

    /// <summary>
    /// Clients in one message to another process. It takes a message where it has room for one client; the other seven, with a target each, have
    /// to fit into what <see cref="DescriptorBudget"/> keeps in reserve.
    /// </summary>
    public const int ClientsPerMessage = 8;

    /// <summary>Clients in any message: as many as are accepted at a time. Room for them is cleared at each, so no more than that.</summary>
    public const int MostPerMessage = Acceptor.Batch;

    /// <summary>Another user listens there, to whom no connection is handed over. connect(2) has no such error for a UNIX socket.</summary>
    public const int NotOwnUser = -(int)Errno.EPROTO;

    private const int CatchUpMilliseconds = 10;

    private readonly EventLoop _loop;
    private readonly IHandoffOwner _owner;
    private readonly int _perMessage;
    private readonly Queue<WaitingClient> _waiting = new();
    private readonly byte[] _heard = new byte[4096];
    private int _heardLength;
    private int _socket = -1;
    private bool _ready;
    private bool _full;
    private bool _retired;

    /// <param name="loop">The loop it lives on.</param>
    /// <param name="owner">Told of what the inner half says.</param>
    /// <param name="perMessage">Clients that may go in one message.</param>
    public HandoffLink(EventLoop loop, IHandoffOwner owner, int perMessage)
    {
        _perMessage = perMessage;
        _loop = loop;
        _owner = owner;
    }

    /// <summary>Whether the inner half has said that it takes descriptors.</summary>
    public bool IsReady => _ready;

    /// <summary>Connections that wait to be handed over.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>When the first of them came, by the loop's clock; without any the end of time.</summary>
    public long FirstSince => _waiting.TryPeek(out WaitingClient first) ? first.Since : long.MaxValue;

    /// <summary>Whether a connection still waits here.</summary>
    public bool IsWaiting(ulong number) => _waiting.Any(client => client.Accepted.Number == number);

    /// <summary>Connects to the bridge's UNIX socket.</summary>
    /// <param name="server">Its address.</param>
    /// <param name="relayLoop">The loop of the bridge's own inner half that should relay what comes here; without one a number that no loop has.</param>
    /// <returns>0, or a negated error; <see cref="NotOwnUser"/> is one.</returns>
    public int Connect(in SockAddr server, int relayLoop)
    {
        int socket = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_STREAM);
        if (socket < 0)
            return socket;
        int result = Libc.Bind(socket, new JoinPeerName(JoinKind.Handoff, relayLoop).ToAddress(server));
        if (result >= 0)
            result = Libc.Connect(socket, server);
        if (result >= 0 && !PeerUser.IsBehind(socket))
            result = NotOwnUser;
        if (result >= 0)
        {
            _socket = socket;
            _loop.Attach(this);
            result = _loop.Watch(this, 0, socket, Libc.EPOLLIN | Libc.EPOLLRDHUP);
        }
        if (result < 0)
        {
            _loop.Detach(this);
            Libc.Close(socket);
            _socket = -1;
        }
        return result;
    }

    /// <summary>Hands a client over, at once or when the link takes it; order is kept.</summary>
    public void Enqueue(in WaitingClient client) => _waiting.Enqueue(client);

    /// <summary>Sends what waits, as many in a message as there are.</summary>
    public void Flush()
    {
        if (!_ready || _full || _retired)
            return;
        int most = Math.Min(_waiting.Count, _perMessage);
        Span<byte> records = stackalloc byte[most * HandoffRecord.Size];
        Span<int> descriptors = stackalloc int[most];
        while (_waiting.Count > 0)
        {
            int count = 0;
            foreach ((AcceptedClient accepted, _) in _waiting)
            {
                if (count == most)
                    break;
                new HandoffRecord(accepted.Peer, accepted.Offset, accepted.Number).Write(records[(count * HandoffRecord.Size)..]);
                descriptors[count++] = accepted.Client;
            }
            nint sent = Libc.SendDescriptors(_socket, records[..(count * HandoffRecord.Size)], descriptors[..count]);
            if (sent == -(nint)(int)Errno.EAGAIN)
            {
                SetFull(true);
                return;
            }
            if (sent == -(nint)(int)Errno.ETOOMANYREFS)
            {
                // Descriptors of this user in flight are at their limit: the receiver has to catch up first, and may have none left itself.
                _loop.SetTimer(this, CatchUpMilliseconds);
                return;
            }
            if (sent == -(nint)(int)Errno.EPIPE)
            {
                // Whether it takes no more or has gone: what waits goes elsewhere, and what it still says is heard first.
                Retire();
                return;
            }
            if (sent < 0)
            {
                Lose(Libc.ErrorOf(sent));
                return;
            }
            for (int i = 0; i < count; i++)
                Libc.Close(_waiting.Dequeue().Accepted.Client);
        }
    }

    private void SetFull(bool full)
    {
        _full = full;
        _loop.Rewatch(this, 0, _socket, Libc.EPOLLIN | Libc.EPOLLRDHUP | (full ? Libc.EPOLLOUT : 0));
    }

    protected override void OnTimer() => Flush();

    protected override void OnEvents(uint events, int end)
    {
        if ((events & (Libc.EPOLLIN | Libc.EPOLLRDHUP | Libc.EPOLLHUP | Libc.EPOLLERR)) != 0 && !Hear())
            return;
        if (_full && (events & Libc.EPOLLOUT) != 0)
        {
            SetFull(false);
            Flush();
        }
    }

    /// <returns>False where the link is lost.</returns>
    private bool Hear()
    {
        nint read = Libc.Receive(_socket, _heard.AsSpan(_heardLength));
        if (read == -(nint)(int)Errno.EAGAIN)
            return true;
        if (read <= 0)
        {
            Lose(read == 0 ? Errno.EPIPE : Libc.ErrorOf(read));
            return false;
        }
        _heardLength += (int)read;
        ReadOnlySpan<byte> heard = _heard.AsSpan(0, _heardLength);
        if (!_ready)
        {
            if (heard.Length < Hello.Length && Hello.StartsWith(heard))
                return true;
            if (!heard.StartsWith(Hello))
            {
                Lose(Errno.EPROTO);
                return false;
            }
            heard = heard[Hello.Length..];
            _ready = true;
            _owner.OnReady(this);
        }
        bool takesMore = true;
        for (; heard.Length >= HandoffNotice.Size; heard = heard[HandoffNotice.Size..])
        {
            HandoffNotice notice = HandoffNotice.Read(heard);
            if (notice == HandoffNotice.TakesNoMore)
                takesMore = false;
            else
                _owner.OnNotice(this, notice);
        }
        heard.CopyTo(_heard);
        _heardLength = heard.Length;
        if (!takesMore)
            Retire();
        Flush();
        return _socket >= 0;
    }

    private void Retire()
    {
        if (_retired)
            return;
        _retired = true;
        _owner.OnRetired(this);
    }

    private void Lose(Errno error)
    {
        // Who waits in the backlog of a listener that is closed is reset; that says nothing of who listened.
        bool refused = !_ready && error != Errno.ECONNRESET;
        Close();
        _owner.OnLost(this, error, refused);
    }

    /// <summary>Takes back the clients that were not handed over.</summary>
    public bool TryTakeBack(out WaitingClient client) => _waiting.TryDequeue(out client);

    /// <summary>Closes the link; what waits stays with it until taken back.</summary>
    public void Close()
    {
        if (_socket < 0)
            return;
        _loop.Detach(this);
        Libc.Close(_socket);
        _socket = -1;
        _ready = _full = false;
        _heardLength = 0;
    }
}
