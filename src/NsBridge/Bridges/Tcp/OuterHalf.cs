using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Joining;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Values;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Bridges.Tcp;

/// <summary>The outer half of a TCP bridge: its listeners, and the join through which admitted clients reach the UNIX socket. On the
/// bridge's home loop.</summary>
internal sealed class OuterHalf(
    IBridgeContext bridge,
    IClientAdmission clients,
    IConnectionEvents events,
    LoopGroup loops,
    EventLoop home,
    NamespaceTracker place,
    NamespaceWatch namespaces,
    DescriptorBudget descriptors,
    ListeningSockets listening) : IOuterHalf, IOuterCarrier, IConnectionList
{
    // Clients that another process has taken over could not be ended here when the listeners' namespace goes; relayed ones can.
    private readonly IJoin _join =
        bridge.Settings.Join == JoinMode.Handoff && (bridge.Settings.Namespace is not null || place.Reference.Kind == NamespaceKind.Host)
            ? new HandoffJoin(bridge, events, loops, home)
            : new RelayJoin(bridge, events, home, namespaces);
    private readonly List<ClientListener> _listeners = [];
    private readonly AcceptedClient[] _batch = new AcceptedClient[Acceptor.Batch];
    // The namespaces of clients that came by a listener, in this process or the one before: the clients end when the reference leads
    // elsewhere.
    private readonly HashSet<ulong> _origins = [];
    private ulong _boundIn;
    private volatile StateReason? _bindTrouble;
    private volatile bool _isBound;
    // From the first BindAsync to UnbindAsync: a change of the namespace binds nothing before and after.
    private bool _isWanted;

    public bool IsBound => _isBound;

    public StateReason? BindTrouble => _bindTrouble;

    public StateReason? JoinTrouble => _join.Trouble;

    /// <summary>False for sockets of a socket unit, which systemd has too and passes again by itself.</summary>
    private bool HasOwnSockets => _boundIn != 0;

    public Task BindAsync() => home.InvokeAsync(() =>
    {
        _isWanted = true;
        Bind();
    });

    private void Bind()
    {
        NamespaceState state = place.State;
        bool isHost = place.Reference.Kind == NamespaceKind.Host;
        if (!isHost)
            LeaveAllBut(state);
        if (!isHost && !state.CanEnter)
            _bindTrouble = null;
        else if (_isWanted && (!_isBound || _bindTrouble is not null || bridge.Settings.ListensOnInterface))
            BindMissing();
    }

    private void BindMissing()
    {
        ListenAttempt attempt = listening.Open(
            bridge.Settings, place, _listeners.Select(listener => listener.Wanted).ToHashSet(), ref _boundIn);
        foreach (ClientListener gone in _listeners.Where(listener => attempt.Gone.Contains(listener.Wanted)).ToArray())
        {
            gone.Stop();
            _listeners.Remove(gone);
        }
        _bindTrouble = Begin(attempt.Opened) ?? attempt.Trouble;
        _isBound = _listeners.Count > 0;
        if (HasOwnSockets)
            _origins.Add(_boundIn);
    }

    /// <summary>Accepts on all of these, or on none.</summary>
    private StateReason? Begin(IReadOnlyList<OpenListener> opened)
    {
        ClientListener[] fresh = [.. opened.Select(socket => new ClientListener(clients, _join, home, socket, descriptors, _batch))];
        try
        {
            foreach (ClientListener listener in fresh)
                listener.Start();
            _listeners.AddRange(fresh);
            return null;
        }
        catch (BridgeSetupException fault)
        {
            foreach (ClientListener listener in fresh)
                listener.Stop();
            return fault.Reason;
        }
    }

    public void OnNamespaceChanged() => home.Post(ApplyNamespace);

    public void Change() => home.Post(_join.OnSettingsChanged);

    private void ApplyNamespace()
    {
        Bind();
        bridge.OnStateChanged();
    }

    /// <summary>Listeners and clients of any namespace but this one end: each of their sockets keeps its namespace alive.</summary>
    private void LeaveAllBut(NamespaceState state)
    {
        if (_boundIn != 0 && state.Cookie != _boundIn)
        {
            Unbind();
            _bindTrouble = null;
            _boundIn = 0;
        }
        // Until the namespace is known, resumed clients go on. Clients that may drain stay in the set: a reload may end them later.
        if (state.IsUnknown || bridge.Settings.WhenNamespaceGoes != WhenNamespaceGoes.Close)
            return;
        foreach (ulong origin in _origins.Where(origin => origin != state.Cookie).ToArray())
        {
            _origins.Remove(origin);
            int ended = _join.AbortClientsIn(origin);
            if (ended > 0)
                events.OnNamespaceEnded(ended);
            bridge.AbortClientsIn(origin);
        }
    }

    public void TrackClientNamespaces(IReadOnlySet<ulong> namespaces) => home.Post(() =>
    {
        _origins.UnionWith(namespaces);
        ApplyNamespace();
    });

    private void Unbind()
    {
        _isBound = false;
        foreach (ClientListener listener in _listeners)
            listener.Stop();
        _listeners.Clear();
    }

    public Task<IReadOnlyList<ListenerSnapshot>> ListenersAsync() => home.InvokeAsync<IReadOnlyList<ListenerSnapshot>>(() =>
        HasOwnSockets && _boundIn == NetworkNamespace.OwnCookie
            ? [.. _listeners.Select(listener => ListenerSnapshot.Internet(listener.Listener))]
            : []);

    public Task UnbindAsync() => home.InvokeAsync(() =>
    {
        _isWanted = false;
        _isBound = false;
        foreach (ClientListener listener in _listeners)
        {
            if (HasOwnSockets)
                listening.Inherited.Keep(ListenerSnapshot.Internet(listener.Release()));
            else
                listener.Stop();
        }
        _listeners.Clear();
    });

    public Task<int> HandedOffCountAsync() => home.InvokeAsync(() => _join.HandedOffCount);

    public Task<IReadOnlyList<ConnectionReport>> ConnectionsAsync() => _join.ConnectionsAsync();

    public Task<int> EndAsync(ConnectionFilter filter) => home.InvokeAsync(() => _join.End(filter));

    public Task<IEnumerable<ConnectionSnapshot>> SuspendAsync() => home.InvokeAsync(_join.Suspend);

    public Task<IEnumerable<ConnectionSnapshot>> ReleasePendingAsync() => home.InvokeAsync(_join.ReleasePending);

    public Task<IReadOnlyList<ConnectionSnapshot>> ResumeAsync(IReadOnlyList<ConnectionSnapshot> carried) =>
        home.InvokeAsync<IReadOnlyList<ConnectionSnapshot>>(() =>
            // The oldest first, as in the queue they come from.
            [.. carried.OrderByDescending(connection => connection.Age).Where(connection => !Resume(connection))]);

    private bool Resume(ConnectionSnapshot carried)
    {
        if (carried.HasTarget)
            return _join.Resume(carried.Relay);
        _join.Pass([AcceptedClient.Of(carried, number: 0)], carried.Age);
        return true;
    }

    public Task AbortAsync() => home.InvokeAsync(_join.Stop);
}
