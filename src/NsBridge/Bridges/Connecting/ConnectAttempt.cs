using System.Diagnostics;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Connecting;

/// <summary>One client on its way to the target: connecting, or parked until the target is there. A relay takes over its slot of the
/// loop.</summary>
internal sealed class ConnectAttempt : EventSource
{
    private const int ClientEnd = 0;
    private const int TargetEnd = 1;

    /// <summary>From this age on no client waits for the outcome of another's attempt.</summary>
    public static readonly TimeSpan LongAttempt = TimeSpan.FromMilliseconds(100);

    private readonly Connector _connector;
    private AcceptedClient _accepted;
    private int _target;
    private int _address;
    private bool _keepsPort;
    private uint _clientEvents;
    private bool _clientWatched;
    private long _connectBegan;

    public ConnectAttempt(Connector connector)
    {
        _connector = connector;
        Place = new LinkedListNode<ConnectAttempt>(this);
    }

    /// <summary>Its place among the <see cref="ParkedClients"/>, in no list if it is not parked.</summary>
    public LinkedListNode<ConnectAttempt> Place { get; }

    public bool IsParked => Place.List is not null;

    public AcceptedClient Accepted => _accepted;

    public ConnectionOrigin Origin { get; private set; }

    /// <summary>The network namespace of the connecting socket.</summary>
    public ulong Cookie { get; private set; }

    /// <summary>The resource that a parked client waits for, if the target is there; otherwise None.</summary>
    public Errno Shortage { get; set; }

    /// <summary>The socket family of the address to try now.</summary>
    public int Family => Target.Family(_address);

    /// <summary>Whether a connect is under way.</summary>
    public bool IsConnecting => _target >= 0;

    // A connector with a new target restarts the attempts towards the old one.
    private ConnectTarget Target => _connector.Target;

    private SocketKind TargetKind => Family != Libc.AF_UNIX ? SocketKind.Tcp : Target.IsJoin ? SocketKind.UnixHalf : SocketKind.Unix;

    private JoinPeerName JoinName => new(
        JoinKind.Relay, _accepted.Offset, Target.IsOwnJoin, Target.KeepsSource && !_accepted.Peer.IsUnix ? _accepted.Peer : null);

    /// <summary>Takes over a client.</summary>
    /// <param name="accepted">The client.</param>
    /// <param name="age">Milliseconds that it has waited already.</param>
    public void Take(in AcceptedClient accepted, long age)
    {
        _accepted = accepted;
        _target = -1;
        _address = Target.FirstFor(accepted.Peer);
        _keepsPort = true;
        _clientEvents = 0;
        _clientWatched = false;
        // A leg within this process is not found by its client: the outer half is asked for that.
        PeerAddress peer = accepted.Number == AcceptedClient.CountedByOuterHalf ? PeerAddress.Unix : accepted.Peer;
        Origin = new ConnectionOrigin(
            peer, accepted.Offset, accepted.Number, ConnectionOrigin.NextId(), _connector.Loop.Now - age);
        _connector.Loop.Attach(this);
        _connector.Loop.SetTimer(this, (long)Target.ConnectTimeout.TotalMilliseconds);
    }

    /// <summary>Watches a client that has to wait, to notice when it hangs up.</summary>
    /// <returns>0, or a negated error.</returns>
    public int WatchClient()
    {
        if (_clientWatched)
            return 0;
        int watched = _connector.Loop.Watch(this, ClientEnd, _accepted.Client, Relay.Interest);
        _clientWatched = watched >= 0;
        return watched;
    }

    /// <summary>Ends the watch, before the client's next owner begins one.</summary>
    public void UnwatchClient()
    {
        if (_clientWatched)
            _connector.Loop.Unwatch(_accepted.Client);
        _clientWatched = false;
    }

    /// <summary>Begins to connect a socket of the target's namespace, which belongs to the attempt from here on.</summary>
    public void Connect(int socket, ulong cookie)
    {
        Cookie = cookie;
        _target = socket;
        _connectBegan = Stopwatch.GetTimestamp();
        int result = Target.Address(socket, _address, _accepted.Offset, out SockAddr address);
        if (Family != Libc.AF_UNIX)
            TcpOptions.ForLeg(socket, address);
        else if (Target.IsJoin)
            Libc.Bind(socket, JoinName.ToAddress(Target.Address(_address, 0)));
        if (result >= 0 && Target.BindsTo(_accepted.Peer))
        {
            if (!_connector.MayBind(this))
                return;
            SockAddr source = _accepted.Peer.ToSockAddr();
            result = Libc.BindForeign(socket, _keepsPort ? source : source.WithPort(0), isStream: true);
        }
        if (result >= 0)
            result = Libc.Connect(socket, address);
        if (result == -(int)Errno.EADDRNOTAVAIL && _keepsPort && Target.BindsTo(_accepted.Peer))
        {
            // The target has a connection from that very port already.
            _keepsPort = false;
            CloseTarget();
            _connector.ConnectAgain(this);
            return;
        }
        // The kernel chooses the port when it begins to connect. Measured, the question costs half a microsecond of a connection's hundred.
        if (Family != Libc.AF_UNIX && ConnectTarget.IsSelfConnection(socket, address))
            result = -(int)Errno.ECONNREFUSED;
        if (result < 0 && result != -(int)Errno.EINPROGRESS)
        {
            Fail(Libc.ErrorOf(result));
            return;
        }
        // A target on this machine has answered already: the relay decides how both sockets are watched.
        if (!_clientWatched && _accepted.Kind == SocketKind.Tcp && TargetKind == SocketKind.Tcp
            && Libc.Ready(socket, Libc.EPOLLOUT) is not 0 and uint events && OnTarget(events))
        {
            return;
        }
        int watched = WatchClient();
        if (watched >= 0)
            watched = _connector.Loop.Watch(this, TargetEnd, socket, Relay.Interest);
        if (watched < 0)
            Fail(Libc.ErrorOf(watched));
    }

    protected override void OnEvents(uint events, int end)
    {
        if (end == ClientEnd)
        {
            _clientEvents |= events;
            // Bytes before a reset still go to a target that is being connected; a client is not parked for them.
            bool isOver = IsParked || ((events & (Libc.EPOLLERR | Libc.EPOLLHUP)) != 0 && !_accepted.HasUnreadData);
            if (isOver && HasHungUp)
                _connector.Abandon(this);
            return;
        }
        // The event may be of an earlier connect: a client that is connected restarts the parked ones.
        if (IsParked)
            events = Libc.Ready(_target, Relay.Interest & ~Libc.EPOLLET);
        OnTarget(events);
    }

    /// <returns>False if the events do not decide the attempt yet.</returns>
    private bool OnTarget(uint events)
    {
        Errno error = (events & Libc.EPOLLERR) != 0 ? Libc.PendingError(_target) : Errno.None;
        bool isConnected = error == Errno.None ? (events & (Libc.EPOLLOUT | Libc.EPOLLHUP)) != 0 : WasConnected(error);
        if (isConnected)
            Establish(events);
        else if (error != Errno.None)
            Fail(error);
        return isConnected || error != Errno.None;
    }

    /// <summary>Whether the target accepted the connection and has reset it since. The relay passes on the bytes before the reset, and the
    /// reset, which it sees by EPOLLERR: the socket's error has been read.</summary>
    private bool WasConnected(Errno error) => TargetKind == SocketKind.Tcp && error is Errno.ECONNRESET or Errno.EPIPE;

    /// <inheritdoc cref="AcceptedClient.HasHungUp"/>
    public bool HasHungUp => _accepted.HasHungUp(_clientEvents);

    /// <summary>Both sockets belong to the relay from here on.</summary>
    private void Establish(uint targetEvents)
    {
        _connector.Loop.ClearTimer(this);
        int target = _target;
        _target = -1;
        var sockets = new RelaySockets(
            _accepted.Client, target, _accepted.Kind, TargetKind, _clientEvents, targetEvents, Watched: _clientWatched);
        Span<byte> greeting = stackalloc byte[ProxyHeader.Longest];
        ProxyProtocol version = _accepted.Number == AcceptedClient.CountedByOuterHalf ? ProxyProtocol.None : Target.ProxyProtocol;
        int size = ProxyHeader.Write(greeting, version, _accepted.Peer, _accepted.Client);
        _connector.Establish(this, sockets, greeting[..size], (long)Stopwatch.GetElapsedTime(_connectBegan).TotalMicroseconds);
    }

    /// <summary>This address failed: tries the next one, or leaves the decision to the _connector.</summary>
    private void Fail(Errno error)
    {
        if (Target.HasNext(_address, _accepted.Peer))
        {
            CloseTarget();
            _address++;
            _connector.ConnectAgain(this);
            return;
        }
        Restart();
        _connector.OnFailed(this, error);
    }

    protected override void OnTimer()
    {
        Restart();
        _connector.OnTimedOut(this);
    }

    /// <summary>Milliseconds since the client came.</summary>
    public long Age => _connector.Loop.Now - Origin.Began;

    /// <summary>Whether a connect is under way that has taken less time than that.</summary>
    public bool IsUnderWay(TimeSpan within) => IsConnecting && Stopwatch.GetElapsedTime(_connectBegan) < within;

    /// <summary>Whether a connect is under way that takes so long that no other client should wait for its outcome.</summary>
    public bool IsLongUnderWay => IsUnderWay(Target.ConnectTimeout) && !IsUnderWay(LongAttempt);

    /// <summary>Ends the connect; the next one begins with the client's first address of the target.</summary>
    public void Restart()
    {
        CloseTarget();
        _address = Target.FirstFor(_accepted.Peer);
    }

    /// <summary>Ends the connect; the client stays.</summary>
    public void CloseTarget()
    {
        if (_target >= 0)
            SocketReset.Close(_target, TargetKind);
        _target = -1;
    }
}
