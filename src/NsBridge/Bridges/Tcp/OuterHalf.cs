using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Joining;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Values;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Tcp;

/// <summary>
/// The outer half of a bridge: its TCP listeners, and the join by which admitted clients reach the UNIX socket. Lives on the bridge's
/// home loop.
/// </summary>
internal sealed class OuterHalf : IOuterHalf
{
    private readonly Bridge _bridge;
    private readonly LoopGroup _engine;
    private readonly NamespaceTracker _place;
    private readonly EventLoop _home;
    private readonly IJoin _join;
    private readonly List<ClientListener> _listeners = [];
    // Where clients came by a listener, in this process or the one before: they go when the reference leads elsewhere.
    private readonly HashSet<ulong> _origins = [];
    private ulong _boundIn;
    private volatile BridgeSetupException? _bindFault;
    private volatile bool _isBound;
    // Not before its turn comes, and not after it was taken away: a namespace that changes then lets no client come.
    private bool _isWanted;

    public OuterHalf(Bridge bridge, LoopGroup engine, EventLoop home, NamespaceTracker place)
    {
        _bridge = bridge;
        _engine = engine;
        _place = place;
        _home = home;
        // What another process took over it alone could end when the listeners' namespace goes; what is relayed here is ended here.
        bool endsElsewhere = bridge.Settings.Namespace is null && place.Reference.Kind != NamespaceKind.Host;
        _join = bridge.Settings.Join == JoinMode.Handoff && !endsElsewhere ? new HandoffJoin(bridge, engine, home) : new RelayJoin(bridge, home, engine.Namespaces);
    }

    public bool IsBound => _isBound;

    public StateReason? BindTrouble => _bindFault?.Reason;

    public bool LacksPrivilege => _bindFault is { LacksPrivilege: true };

    public StateReason? JoinTrouble => _join.Trouble;

    public Task BindAsync() => _home.InvokeAsync(() =>
    {
        _isWanted = true;
        Bind();
    });

    private void Bind()
    {
        NamespaceState state = _place.State;
        bool isHost = _place.Reference.Kind == NamespaceKind.Host;
        if (!isHost)
            LeaveAllBut(state);
        if (!_isWanted || _listeners.Count > 0 || (!isHost && !state.CanEnter))
            return;
        try
        {
            foreach ((int socket, int offset) in ListeningSockets.Open(_bridge.Settings, _engine, _place, out _boundIn))
                _listeners.Add(new ClientListener(this, _home, socket, offset, _engine.Descriptors));
            foreach (ClientListener listener in _listeners)
                listener.Start();
        }
        catch (BridgeSetupException fault)
        {
            // All or none, as they are made.
            Unbind();
            _bindFault = fault;
            return;
        }
        if (HasOwnSockets)
            _origins.Add(_boundIn);
        _bindFault = null;
        _isBound = true;
    }

    /// <summary>Whether a client is let in.</summary>
    public bool Admit(PeerAddress peer) => _bridge.Admit(peer);

    public void Pass(ReadOnlySpan<AcceptedClient> accepted) => _join.Pass(accepted);

    public void OnNamespaceChanged() => _home.Post(Follow);

    public void Change() => _home.Post(_join.Change);

    private void Follow()
    {
        Bind();
        _bridge.OnStateChanged();
    }

    /// <summary>A listener keeps its namespace alive, and so does a client's socket.</summary>
    private void LeaveAllBut(NamespaceState state)
    {
        if (_boundIn != 0 && state.Cookie != _boundIn)
        {
            Unbind();
            _boundIn = 0;
        }
        // Until the first answer, who was taken up of the process before goes on.
        foreach (ulong origin in state.IsUnknown ? [] : _origins.Where(origin => origin != state.Cookie).ToArray())
        {
            // Whom they are let drain there a reload may want ended later.
            if (_bridge.Settings.WhenNamespaceGoes != WhenNamespaceGoes.Close)
                continue;
            _origins.Remove(origin);
            AbortClientsIn(origin);
        }
    }

    private void AbortClientsIn(ulong cookie)
    {
        int ended = _join.AbortClientsIn(cookie);
        if (ended > 0)
            _bridge.OnNamespaceEnded(ended);
        _bridge.AbortClientsIn(cookie);
    }

    public void TrackClientNamespaces(IReadOnlySet<ulong> namespaces) => _home.Post(() =>
    {
        _origins.UnionWith(namespaces);
        Follow();
    });

    private void Unbind()
    {
        _isBound = false;
        foreach (ClientListener listener in _listeners)
            listener.Stop();
        _listeners.Clear();
    }

    public Task<IReadOnlyList<ListenerSnapshot>> ListenersAsync() => _home.InvokeAsync<IReadOnlyList<ListenerSnapshot>>(() =>
        HasOwnSockets && _boundIn == NetworkNamespace.OwnCookie ? [.. _listeners.Select(listener => ListenerSnapshot.Internet(listener.Listener))] : []);

    /// <summary>Those of a socket unit systemd has too, and hands over again by itself.</summary>
    private bool HasOwnSockets => _boundIn != 0;

    /// <summary>Ends listening for good; clients go on, as long as their namespace does.</summary>
    public Task UnbindAsync() => _home.InvokeAsync(() =>
    {
        _isWanted = false;
        _isBound = false;
        foreach (ClientListener listener in _listeners)
        {
            if (HasOwnSockets)
                _engine.Kept.Keep(ListenerSnapshot.Internet(listener.Release()));
            else
                listener.Stop();
        }
        _listeners.Clear();
    });

    public Task<int> ElsewhereAsync() => _home.InvokeAsync(() => _join.HandedOffCount);

    public Task<IEnumerable<ConnectionSnapshot>> SuspendAsync() => _home.InvokeAsync(_join.Suspend);

    public Task<IEnumerable<ConnectionSnapshot>> ReleasePendingAsync() => _home.InvokeAsync(_join.ReleasePending);

    public Task<IReadOnlyList<ConnectionSnapshot>> ResumeAsync(IReadOnlyList<ConnectionSnapshot> carried) => _home.InvokeAsync<IReadOnlyList<ConnectionSnapshot>>(() =>
        // Who came first is first in the line again.
        [.. carried.OrderByDescending(connection => connection.Age).Where(connection => !Resume(connection))]);

    private bool Resume(ConnectionSnapshot carried)
    {
        if (carried.HasTarget)
            return _join.Resume(carried.Relay);
        _join.Pass([new AcceptedClient(carried.Relay.Client, carried.Relay.ClientKind, carried.Relay.Peer, carried.Offset, 0)], carried.Age);
        return true;
    }

    public Task AbortAsync() => _home.InvokeAsync(_join.Stop);
}
