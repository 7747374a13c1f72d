using NsBridge.Bridges.Connecting;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Joining;

/// <summary>Joins the halves by relaying bytes: each client gets a connection of its own to the bridge's UNIX socket. On the home
/// loop.</summary>
internal sealed class RelayJoin : IJoin, IConnectorOwner
{
    private readonly IBridgeContext _bridge;
    private readonly IConnectionEvents _events;
    private readonly EventLoop _home;
    private readonly bool _hasInner;
    private readonly NamespaceWatch _namespaces;
    private readonly NamespaceTracker _own;
    private readonly JoinProbe _probe;
    private Connector? _connector;
    private BridgeSettings? _appliedSettings;
    private SockAddr _appliedAddress;
    private volatile StateReason? _trouble;

    public RelayJoin(IBridgeContext bridge, IConnectionEvents events, EventLoop home, NamespaceWatch namespaces)
    {
        _bridge = bridge;
        _events = events;
        _home = home;
        _namespaces = namespaces;
        _hasInner = bridge.Settings.Namespace is not null;
        _own = namespaces.Acquire(NamespaceReference.Host);
        _probe = new JoinProbe(home, () => bridge.JoinAddress, () => SetTrouble(null));
    }

    public StateReason? Trouble => _trouble;

    // Its clients are relayed in this process, up to their end.
    public int HandedOffCount => 0;

    public void Pass(ReadOnlySpan<AcceptedClient> clients, long age = 0) => UpToDateConnector().Connect(clients, age);

    public void OnSettingsChanged()
    {
        if (_connector is not null)
            UpToDateConnector();
    }

    private Connector UpToDateConnector()
    {
        SockAddr address = _bridge.JoinAddress;
        // With an inner half in this process the bytes are counted at the target: once, not twice.
        _connector ??= new Connector(
            _home,
            _own,
            ConnectTarget.ToJoin(_bridge.Settings, address),
            _hasInner ? new RelayCounters() : _bridge.Counters.RelaysOf(_home.Index),
            this);
        if (!ReferenceEquals(_appliedSettings, _bridge.Settings) || !_appliedAddress.IsSame(address))
        {
            _appliedSettings = _bridge.Settings;
            _appliedAddress = address;
            _connector.Change(
                ConnectTarget.ToJoin(_appliedSettings, address), _hasInner ? 0 : (long)_appliedSettings.IdleTimeout.TotalMilliseconds);
        }
        return _connector;
    }

    public int AbortClientsIn(ulong cookie) => _connector?.AbortClientsIn(cookie) ?? 0;

    public void OnConnected(long microseconds)
    {
        if (_hasInner)
            return;
        SetTrouble(null);
        _events.OnConnected(microseconds);
    }

    public void OnUnreachable(PeerAddress peer, string reason, Errno error)
    {
        // A full backlog, or no descriptor left here: the other half is there all the same, and the next client may be served.
        bool isShortage = error == Errno.EAGAIN || new EnterFailure(EnterStep.Socket, error).IsExhaustion;
        if (!_hasInner && !isShortage)
            SetTrouble(new StateReason(StateReason.JoinCodeOf(error), reason));
        _events.OnFailed(peer, reason);
    }

    private void SetTrouble(StateReason? trouble)
    {
        if (_trouble == trouble)
            return;
        _trouble = trouble;
        // The other half may come back long before the next client comes.
        if (trouble is null)
            _probe.Stop();
        else
            _probe.Start();
        _bridge.OnStateChanged();
    }

    public void OnEnded(in ConnectionOrigin origin, RelayOutcome outcome, long toTarget, long toClient) =>
        _events.OnEnded(origin.Peer, outcome, toTarget, toClient, _home.Now - origin.Began);

    public void OnClosing(bool begins) => _events.OnClosing(begins);

    // The inner half binds to the client's address.
    public StateReason? SourceTrouble(ulong cookie) => null;

    // The socket was made in the daemon's own namespace, which stays.
    public void OnNamespaceMoved() => _bridge.ProbeNamespaces();

    public Task<IReadOnlyList<ConnectionReport>> ConnectionsAsync() =>
        _connector is { } connector ? ConnectorReports.OfAsync(connector) : Task.FromResult<IReadOnlyList<ConnectionReport>>([]);

    public int End(ConnectionFilter filter) => _connector?.End(filter) ?? 0;

    public IEnumerable<ConnectionSnapshot> Suspend()
    {
        _probe.Stop();
        return _connector?.Suspend(_bridge.Settings.Name, _ => ConnectionRole.OuterLeg)
            .Select(carried => carried.HasTarget ? carried : carried with { Role = ConnectionRole.Outer }) ?? [];
    }

    public IEnumerable<ConnectionSnapshot> ReleasePending() =>
        _connector?.ReleasePending(_bridge.Settings.Name, static _ => ConnectionRole.Outer) ?? [];

    public bool Resume(RelayState state)
    {
        UpToDateConnector().Relays.Resume(state, 0);
        return true;
    }

    public void Stop()
    {
        _probe.Stop();
        _connector?.Stop();
        _namespaces.Release(_own);
    }
}
