using System.Diagnostics;
using NsBridge.Bridges.Listening;
using NsBridge.Bridges.Tcp;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Connecting;

/// <summary>
/// One client on its way to the target: connecting, or parked until the target is there. Becomes a relay in the same slot of
/// the loop.
/// </summary>
internal sealed class ConnectAttempt : EventSource
{
    private const int ClientEnd = 0;
    private const int TargetEnd = 1;

    /// <summary>From here on nobody waits for what becomes of an attempt.</summary>
    public static readonly TimeSpan LongAttempt = TimeSpan.FromMilliseconds(100);

    private readonly Connector _connector;
    private AcceptedClient _accepted;
    private int _target;
    private int _address;
    private uint _clientEvents;
    private bool _clientWatched;
    private long _began;
    private long _dialled;

    public ConnectAttempt(Connector connector) => _connector = connector;

    public LinkedListNode<ConnectAttempt>? Parked { get; set; }

    /// <summary>Its place among those who are on their way; <see cref="ConnectAttempts.Nowhere"/> where it is none of them.</summary>
    public int Place { get; set; } = ConnectAttempts.Nowhere;

    public AcceptedClient Accepted => _accepted;

    /// <summary>The namespace the dialled socket belongs to.</summary>
    public ulong Cookie { get; private set; }

    /// <summary>What a parked client waits for where it is only that there is no room for another connection; else, None.</summary>
    public Errno Shortage { get; set; }

    /// <summary>The family of the socket for the address that is its turn.</summary>
    public int Family => Plan.Family(_address);

    /// <summary>Whether an attempt is under way.</summary>
    public bool IsConnecting => _target >= 0;

    /// <summary>Takes over a client.</summary>
    /// <param name="accepted">The client.</param>
    /// <param name="age">Milliseconds that it has waited already.</param>
    public void Take(in AcceptedClient accepted, long age)
    {
        _accepted = accepted;
        _target = -1;
        _address = 0;
        _clientEvents = 0;
        _clientWatched = false;
        _began = _connector.Loop.Now - age;
        _connector.Loop.Attach(this);
        _connector.Loop.SetTimer(this, (long)Plan.ConnectTimeout.TotalMilliseconds);
    }

    /// <summary>Watches the client who has to wait, so that one who hangs up is noticed.</summary>
    /// <returns>0, or a negated error.</returns>
    public int WatchClient()
    {
        if (_clientWatched)
            return 0;
        int watched = _connector.Loop.Watch(this, ClientEnd, _accepted.Client, Relay.Interest);
        _clientWatched = watched >= 0;
        return watched;
    }

    /// <summary>The client goes on without this: whoever has it next watches it.</summary>
    public void UnwatchClient()
    {
        if (_clientWatched)
            _connector.Loop.Unwatch(_accepted.Client);
        _clientWatched = false;
    }

    /// <summary>Begins to connect by a socket of the target's namespace, which belongs to the dial from here on.</summary>
    public void Connect(int socket, ulong cookie)
    {
        Cookie = cookie;
        _target = socket;
        _dialled = Stopwatch.GetTimestamp();
        int result = Plan.Address(socket, _address, _accepted.Offset, out SockAddr address);
        if (Family != Libc.AF_UNIX)
            TcpOptions.SendAtOnce(socket, address);
        else if (Plan.IsJoin)
            Libc.Bind(socket, new JoinPeerName(Plan.JoinKind, _accepted.Offset).ToAddress(Plan.Address(_address, 0)));
        if (result >= 0)
            result = Libc.Connect(socket, address);
        // The kernel chooses the port when it begins to connect. Measured, the question is half a microsecond of a connection's hundred.
        if (Family != Libc.AF_UNIX && SelfConnection.IsOne(socket, address))
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

    // A connector that takes a new plan over restarts who is on his way by the old one.
    private ConnectTarget Plan => _connector.Plan;

    private SocketKind TargetKind => Family != Libc.AF_UNIX ? SocketKind.Tcp : Plan.IsJoin ? SocketKind.UnixHalf : SocketKind.Unix;

    protected override void OnEvents(uint events, int end)
    {
        if (end == ClientEnd)
        {
            _clientEvents |= events;
            // What was said before a reset goes to the target that is being dialled; nobody is parked for it.
            bool isOver = Parked is not null || ((events & (Libc.EPOLLERR | Libc.EPOLLHUP)) != 0 && !_accepted.HasUnreadData);
            if (isOver && HasHungUp)
                _connector.Abandon(this);
            return;
        }
        // The event may be one of the attempt before: others who are connected restart who is parked.
        if (Parked is not null)
            events = Libc.Ready(_target, Relay.Interest & ~Libc.EPOLLET);
        OnTarget(events);
    }

    /// <returns>False where the events do not tell yet what becomes of the attempt: others will.</returns>
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

    /// <summary>
    /// Whether the target took the connection and reset it since. The relay passes on what it said before that, and the reset, which EPOLLERR tells it of:
    /// the socket has told its error.
    /// </summary>
    private bool WasConnected(Errno error) => TargetKind == SocketKind.Tcp && error is Errno.ECONNRESET or Errno.EPIPE;

    /// <summary>Whether there is nobody to wait for.</summary>
    public bool HasHungUp => _accepted.HasHungUp(_clientEvents);

    private void Establish(uint targetEvents)
    {
        _connector.Loop.ClearTimer(this);
        int target = _target;
        _target = -1;
        var ends = new RelaySockets(_accepted.Client, target, _accepted.Kind, TargetKind, _clientEvents, targetEvents, Watched: _clientWatched);
        Span<byte> greeting = stackalloc byte[ProxyHeader.Longest];
        ProxyProtocol version = _accepted.Number == InnerConnections.CountedByOuterHalf ? ProxyProtocol.None : Plan.ProxyProtocol;
        int size = ProxyHeader.Write(greeting, version, _accepted.Peer, _accepted.Client);
        _connector.Establish(this, ends, greeting[..size], (long)Stopwatch.GetElapsedTime(_dialled).TotalMicroseconds);
    }

    /// <summary>This address failed: the next one, or the connector decides.</summary>
    private void Fail(Errno error)
    {
        if (_address + 1 < Plan.AddressCount)
        {
            CloseTarget();
            _address++;
            _connector.DialAgain(this);
            return;
        }
        Restart();
        _connector.Failed(this, error);
    }

    protected override void OnTimer()
    {
        Restart();
        _connector.TimedOut(this);
    }

    /// <summary>Milliseconds since the client came.</summary>
    public long Age => _connector.Loop.Now - _began;

    /// <summary>Whether an attempt is under way that has not taken so long yet.</summary>
    public bool IsUnderWay(TimeSpan within) => IsConnecting && Stopwatch.GetElapsedTime(_dialled) < within;

    /// <summary>Whether an attempt is under way that takes so long that nobody should wait for what becomes of it.</summary>
    public bool IsLongUnderWay => IsUnderWay(Plan.ConnectTimeout) && !IsUnderWay(LongAttempt);

    /// <summary>Ends the attempt; the next one begins with the target's first address.</summary>
    public void Restart()
    {
        CloseTarget();
        _address = 0;
    }

    /// <summary>Ends the attempt; the client stays.</summary>
    public void CloseTarget()
    {
        if (_target >= 0)
            SocketReset.Close(_target, TargetKind);
        _target = -1;
    }
}
