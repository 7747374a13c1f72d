using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Joining;
using NsBridge.Bridges.Listening;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Udp;

/// <summary>
/// The outer half of a UDP bridge: binds its listeners and hands them over to the inner half, once each, over a kept connection
/// to the bridge's UNIX socket. From then on datagrams pass between the listeners and the targets without it. On the bridge's home loop.
/// </summary>
internal sealed class UdpOuterHalf : EventSource, IOuterHalf
{
    private const int RetryMilliseconds = 250;

    private readonly Bridge _bridge;
    private readonly LoopGroup _engine;
    private readonly EventLoop _home;
    private readonly NamespaceTracker _place;
    private readonly byte[] _heard = new byte[64];
    private List<(int Socket, int Offset)> _listeners = [];
    private ulong _boundIn;
    private volatile bool _isBound;
    // Between its turn to begin and its end, as for TCP.
    private bool _isWanted;
    private int _link = -1;
    private int _heardLength;
    private int _passed;
    private volatile StateReason? _trouble;
    private volatile bool _lacksPrivilege;

    public UdpOuterHalf(Bridge bridge, LoopGroup engine, EventLoop home, NamespaceTracker place)
    {
        _bridge = bridge;
        _engine = engine;
        _home = home;
        _place = place;
    }

    public bool IsBound => _isBound;

    public StateReason? BindTrouble => _isBound ? null : _trouble;

    public bool LacksPrivilege => _lacksPrivilege;

    public StateReason? JoinTrouble => _isBound ? _trouble : null;

    private bool IsReady => _heardLength == ListenerReceiver.Hello.Length;

    public Task BindAsync() => _home.InvokeAsync(() =>
    {
        _isWanted = true;
        Bind();
    });

    private void Bind()
    {
        if (!_isWanted)
            return;
        NamespaceState state = _place.State;
        bool isHost = _place.Reference.Kind == Configuration.Values.NamespaceKind.Host;
        if (_isBound && !isHost && state.Cookie != _boundIn)
            Unbind();
        if (!isHost && !state.CanEnter)
            return;
        if (!_isBound)
        {
            try
            {
                _listeners = ListeningSockets.Open(_bridge.Settings, _engine, _place, out _boundIn);
            }
            catch (BridgeSetupException fault)
            {
                _lacksPrivilege = fault.LacksPrivilege;
                SetTrouble(fault.Reason);
                RetryLater();
                return;
            }
            _isBound = true;
            _lacksPrivilege = false;
            _passed = 0;
            SetTrouble(null);
        }
        if (_link < 0)
            Connect();
    }

    private void Connect()
    {
        int socket = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_STREAM);
        SockAddr server = _bridge.JoinAddress;
        int result = socket < 0 ? socket : Libc.Bind(socket, new JoinPeerName(JoinKind.Datagrams, 0).ToAddress(server));
        if (result >= 0)
            result = Libc.Connect(socket, server);
        bool isStranger = result >= 0 && !PeerUser.IsBehind(socket);
        if (result < 0 || isStranger)
        {
            Libc.Close(socket);
            SetTrouble(isStranger ? Refusal : new StateReason(StateReason.JoinCodeOf(Libc.ErrorOf(result)), TargetFailure.Explain(_bridge.Settings.Socket, Libc.ErrorOf(result))));
            RetryLater();
            return;
        }
        _link = socket;
        _heardLength = 0;
        _home.ClearTimer(this);
        _home.Attach(this);
        result = _home.Watch(this, 0, socket, Libc.EPOLLIN | Libc.EPOLLRDHUP);
        if (result < 0)
        {
            CloseLink();
            SetTrouble(WatchFault.Reason("the link of its halves", Libc.ErrorOf(result)));
            RetryLater();
        }
    }

    // Listeners that wait hold what comes: a client whose datagrams came meanwhile is answered when the inner half is back.
    private void RetryLater()
    {
        if (!IsTimerSet)
            _home.SetTimer(this, RetryMilliseconds);
    }

    protected override void OnTimer() => Bind();

    protected override void OnEvents(uint events, int end)
    {
        nint read = Libc.Receive(_link, _heard.AsSpan(_heardLength));
        if (read == -(nint)(int)Errno.EAGAIN)
            return;
        _heardLength += (int)Math.Max(read, 0);
        if (read <= 0 || !ListenerReceiver.Hello.StartsWith(_heard.AsSpan(0, _heardLength)))
        {
            Lose(refused: !IsReady);
            return;
        }
        if (IsReady)
            Pass();
    }

    protected override void OnResume() => Pass();

    /// <summary>Hands over what the inner half does not have yet.</summary>
    private void Pass()
    {
        Span<byte> records = stackalloc byte[Libc.DescriptorsPerMessage * ListenerRecord.Size];
        Span<int> descriptors = stackalloc int[Libc.DescriptorsPerMessage];
        while (_passed < _listeners.Count)
        {
            int count = Math.Min(Libc.DescriptorsPerMessage, _listeners.Count - _passed);
            for (int i = 0; i < count; i++)
            {
                (descriptors[i], int offset) = _listeners[_passed + i];
                new ListenerRecord(offset).Write(records[(i * ListenerRecord.Size)..]);
            }
            nint sent = Libc.SendDescriptors(_link, records[..(count * ListenerRecord.Size)], descriptors[..count]);
            if (sent == -(nint)(int)Errno.EAGAIN || sent == -(nint)(int)Errno.ETOOMANYREFS)
            {
                // Few messages for a whole range of ports: the inner half has only to catch up.
                _home.Yield(this);
                return;
            }
            if (sent < 0)
            {
                Lose(refused: false);
                return;
            }
            _passed += count;
        }
        SetTrouble(null);
    }

    // The listeners stay for as long as their namespace does: where the service manager keeps them too, their ports could not be bound anew.
    private void Lose(bool refused)
    {
        CloseLink();
        _passed = 0;
        SetTrouble(refused ? Refusal : new StateReason(ReasonCode.JoinUnavailable, $"the inner half behind {_bridge.Settings.Socket} has gone"));
        RetryLater();
    }

    private StateReason Refusal => new(
        ReasonCode.JoinRefused, $"{_bridge.Settings.Socket} does not take listeners over: no UDP bridge of an nsbridge of this user is behind it");

    private void SetTrouble(StateReason? trouble)
    {
        if (_trouble == trouble)
            return;
        _trouble = trouble;
        _bridge.OnStateChanged();
    }

    public void OnNamespaceChanged() => _home.Post(Follow);

    // Its limits are the inner half's matter.
    public void Change()
    {
    }

    private void Follow()
    {
        if (!_place.State.CanEnter)
            Unbind();
        Bind();
        _bridge.OnStateChanged();
    }

    private void Unbind()
    {
        _home.ClearTimer(this);
        CloseLink();
        CloseListeners();
        _isBound = false;
    }

    private void CloseLink()
    {
        if (_link < 0)
            return;
        _home.Detach(this);
        Libc.Close(_link);
        _link = -1;
    }

    private void CloseListeners()
    {
        foreach ((int socket, _) in _listeners)
            Libc.Close(socket);
        _listeners = [];
    }

    public Task<IReadOnlyList<ListenerSnapshot>> ListenersAsync() => _home.InvokeAsync<IReadOnlyList<ListenerSnapshot>>(() =>
        _boundIn != 0 && _boundIn == NetworkNamespace.OwnCookie ? [.. _listeners.Select(listener => ListenerSnapshot.Internet(listener.Socket))] : []);

    /// <summary>Ends listening for good: the address of the join may lead to another bridge from now on.</summary>
    public Task UnbindAsync() => _home.InvokeAsync(() =>
    {
        _isWanted = false;
        if (_boundIn != 0)
        {
            foreach ((int socket, _) in _listeners)
                _engine.Kept.Keep(ListenerSnapshot.Internet(socket));
            _listeners = [];
        }
        Unbind();
    });

    public Task<IEnumerable<ConnectionSnapshot>> SuspendAsync() => Task.FromResult<IEnumerable<ConnectionSnapshot>>([]);

    public Task<IEnumerable<ConnectionSnapshot>> ReleasePendingAsync() => Task.FromResult<IEnumerable<ConnectionSnapshot>>([]);

    public Task<IReadOnlyList<ConnectionSnapshot>> ResumeAsync(IReadOnlyList<ConnectionSnapshot> carried) => Task.FromResult(carried);

    public void TrackClientNamespaces(IReadOnlySet<ulong> namespaces) => throw new NotSupportedException("A UDP bridge carries no connections");

    public Task AbortAsync() => Task.CompletedTask;
}
