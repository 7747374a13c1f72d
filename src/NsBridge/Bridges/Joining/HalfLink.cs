using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Joining;

/// <summary>The outer half's end of a kept connection to the bridge's UNIX socket: connects, waits for the inner half's greeting, and
/// sends descriptors with a record for each. On the loop's thread.</summary>
internal abstract class HalfLink(EventLoop loop) : EventSource
{
    /// <summary>Another user listens there, which gets no descriptor. connect(2) does not use this error for a UNIX socket.</summary>
    public const int NotOwnUser = -(int)Errno.EPROTO;

    private const int CatchUpMilliseconds = 10;

    private readonly byte[] _received = new byte[4096];
    private int _length;
    private int _socket = -1;
    private bool _isFull;

    protected EventLoop Loop => loop;

    /// <summary>Whether the inner half has greeted.</summary>
    public bool IsReady { get; private set; }

    public bool IsOpen => _socket >= 0;

    /// <summary>Whether the link takes a message now.</summary>
    protected bool CanSend => IsReady && !_isFull;

    /// <summary>What an inner half sends first, if it takes such descriptors.</summary>
    protected abstract ReadOnlySpan<byte> Greeting { get; }

    /// <summary>The greeting has arrived; <see cref="Flush"/> follows.</summary>
    protected abstract void OnReady();

    /// <summary>The inner half has sent more.</summary>
    /// <returns>How many bytes are done with.</returns>
    protected abstract int OnReceived(ReadOnlySpan<byte> bytes);

    /// <summary>Sends what is to be sent, as far as the link takes it.</summary>
    public abstract void Flush();

    /// <summary>The inner half takes nothing more, or has gone (EPIPE).</summary>
    protected virtual void OnRefusesMore() => Lose(Errno.EPIPE);

    /// <summary>The link has ended and is closed.</summary>
    /// <param name="error">How it ended; EPIPE for an orderly end.</param>
    /// <param name="isRefused">Whether the inner half ended it instead of greeting.</param>
    protected abstract void OnLost(Errno error, bool isRefused);

    /// <summary>Connects to the bridge's UNIX socket.</summary>
    /// <param name="server">Its address.</param>
    /// <param name="name">What the inner half sees as the peer.</param>
    /// <returns>0, or a negated error; <see cref="NotOwnUser"/> is one.</returns>
    public int Connect(in SockAddr server, JoinPeerName name)
    {
        int socket = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_STREAM);
        if (socket < 0)
            return socket;
        int result = Libc.Bind(socket, name.ToAddress(server));
        if (result >= 0)
            result = Libc.Connect(socket, server);
        if (result >= 0 && !PeerUser.IsBehind(socket))
            result = NotOwnUser;
        if (result >= 0)
        {
            loop.Attach(this);
            result = loop.Watch(this, 0, socket, Libc.EPOLLIN | Libc.EPOLLRDHUP);
        }
        if (result < 0)
        {
            loop.Detach(this);
            Libc.Close(socket);
            return result;
        }
        _socket = socket;
        return 0;
    }

    /// <summary>Sends one message. The descriptors remain the caller's: the receiver gets copies.</summary>
    /// <returns>False if it was not sent: <see cref="Flush"/> is called again, or the link has ended.</returns>
    protected bool TrySend(ReadOnlySpan<byte> records, ReadOnlySpan<int> descriptors)
    {
        nint sent = Libc.SendDescriptors(_socket, records, descriptors);
        if (sent >= 0)
            return true;
        switch (Libc.ErrorOf(sent))
        {
            case Errno.EAGAIN:
                SetFull(true);
                break;
            case Errno.ETOOMANYREFS:
                // The limit of this user's descriptors in flight: the receiver has to catch up first, and may have no descriptor left
                // itself.
                loop.SetTimer(this, CatchUpMilliseconds);
                break;
            case Errno.EPIPE:
                OnRefusesMore();
                break;
            case var error:
                Lose(error);
                break;
        }
        return false;
    }

    private void SetFull(bool isFull)
    {
        _isFull = isFull;
        loop.Rewatch(this, 0, _socket, Libc.EPOLLIN | Libc.EPOLLRDHUP | (isFull ? Libc.EPOLLOUT : 0));
    }

    protected override void OnTimer() => Flush();

    protected override void OnEvents(uint events, int end)
    {
        if ((events & (Libc.EPOLLIN | Libc.EPOLLRDHUP | Libc.EPOLLHUP | Libc.EPOLLERR)) != 0 && !Receive())
            return;
        if (_isFull && (events & Libc.EPOLLOUT) != 0)
        {
            SetFull(false);
            Flush();
        }
    }

    /// <returns>False if the link has ended.</returns>
    private bool Receive()
    {
        nint read = Libc.Receive(_socket, _received.AsSpan(_length));
        if (read == -(nint)(int)Errno.EAGAIN)
            return true;
        if (read <= 0)
        {
            Lose(read == 0 ? Errno.EPIPE : Libc.ErrorOf(read));
            return false;
        }
        _length += (int)read;
        ReadOnlySpan<byte> bytes = _received.AsSpan(0, _length);
        if (!IsReady)
        {
            if (bytes.Length < Greeting.Length && Greeting.StartsWith(bytes))
                return true;
            if (!bytes.StartsWith(Greeting))
            {
                Lose(Errno.EPROTO);
                return false;
            }
            bytes = bytes[Greeting.Length..];
            IsReady = true;
            OnReady();
        }
        int done = OnReceived(bytes);
        if (!IsOpen)
            return false;
        bytes = bytes[done..];
        bytes.CopyTo(_received);
        _length = bytes.Length;
        Flush();
        return IsOpen;
    }

    protected void Lose(Errno error)
    {
        // A connection in the backlog of a listener that closes is reset; the listener itself may be sound.
        bool isRefused = !IsReady && error != Errno.ECONNRESET;
        Close();
        OnLost(error, isRefused);
    }

    /// <summary>Closes the link. Repeated calls do nothing.</summary>
    public void Close()
    {
        if (_socket < 0)
            return;
        loop.Detach(this);
        Libc.Close(_socket);
        _socket = -1;
        IsReady = _isFull = false;
        _length = 0;
    }
}

/// <summary>The inner half's end of such a connection. On the loop's thread.</summary>
/// <param name="loop">The loop it lives on.</param>
/// <param name="socket">The connection, owned from here on.</param>
internal abstract class HalfReceiver(EventLoop loop, int socket) : EventSource
{
    protected EventLoop Loop => loop;

    /// <summary>The connection; -1 once closed.</summary>
    protected int Socket { get; private set; } = socket;

    /// <summary>Attaches to the loop and greets.</summary>
    /// <returns>0, or a negated error: it is not watched.</returns>
    protected int Begin(uint interest, ReadOnlySpan<byte> greeting)
    {
        loop.Attach(this);
        int watched = loop.Watch(this, 0, Socket, interest);
        Libc.Send(Socket, greeting);
        return watched;
    }

    /// <summary>Closes the link. Repeated calls do nothing.</summary>
    public virtual void Close()
    {
        if (!IsAttached)
            return;
        loop.Detach(this);
        Libc.Close(Socket);
        Socket = -1;
    }
}
