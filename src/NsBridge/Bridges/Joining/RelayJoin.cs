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

/// <summary>Joins the halves by relaying bytes: each client gets a connection of its own to the bridge's UNIX socket. On the home loop.</summary>
internal sealed class RelayJoin : IJoin, IConnectorOwner
{
    private readonly Bridge _bridge;
    private readonly EventLoop _home;
    private readonly bool _hasInner;
    private readonly NamespaceWatch _namespaces;
    private readonly NamespaceTracker _own;
    private readonly JoinProbe _watch;
    private Connector? _connector;
    private BridgeSettings? _planned;
    private SockAddr _plannedAddress;
    private volatile StateReason? _trouble;

    public RelayJoin(Bridge bridge, EventLoop home, NamespaceWatch namespaces)
    {
        _bridge = bridge;
        _home = home;
        _namespaces = namespaces;
        _hasInner = bridge.Settings.Namespace is not null;
        _own = namespaces.Acquire(NamespaceReference.Host);
        _watch = new JoinProbe(home, () => bridge.JoinAddress, () => SetTrouble(null));
    }

    public StateReason? Trouble => _trouble;

    public void Pass(ReadOnlySpan<AcceptedClient> clients, long age = 0) => UpToDateConnector().Connect(clients, age);

    public void Change()
    {
        if (_connector is not null)
            UpToDateConnector();
    }

    private Connector UpToDateConnector()
    {
        // With an inner half in this process the bytes are counted where they reach the target: once, not twice.
        SockAddr address = _bridge.JoinAddress;
        _connector ??= new Connector(_home, _own, ConnectTarget.ToJoin(_bridge.Settings, address), _hasInner ? new RelayCounters() : _bridge.Tally.RelaysOf(_home.Index), this);
        if (!ReferenceEquals(_planned, _bridge.Settings) || !_plannedAddress.IsSame(address))
        {
            _planned = _bridge.Settings;
            _plannedAddress = address;
            _connector.Change(ConnectTarget.ToJoin(_planned, address), _hasInner ? 0 : (long)_planned.IdleTimeout.TotalMilliseconds);
        }
        return _connector;
    }

    public int AbortClientsIn(ulong cookie) => _connector?.AbortClientsIn(cookie) ?? 0;

    public void OnConnected(long microseconds)
    {
        if (_hasInner)
            return;
        SetTrouble(null);
        _bridge.OnConnected(microseconds);
    }

    public void OnUnreachable(PeerAddress peer, string reason, Errno error)
    {
        if (!_hasInner && !IsShortage(error))
            SetTrouble(new StateReason(StateReason.JoinCodeOf(error), reason));
        _bridge.OnFailed(peer, reason);
    }

    /// <summary>A full backlog, or nothing left here for another connection: the other side is there all the same, and the next client may be served.</summary>
    private static bool IsShortage(Errno error) => error == Errno.EAGAIN || new EnterFailure(EnterStep.Socket, error).IsExhaustion;

    private void SetTrouble(StateReason? trouble)
    {
        if (_trouble == trouble)
            return;
        _trouble = trouble;
        // No client may come before the other side is back, nor for long after.
        if (trouble is null)
            _watch.Stop();
        else
            _watch.Start();
        _bridge.OnStateChanged();
    }

    public void OnEnded(PeerAddress peer, ulong number, RelayOutcome outcome, long toTarget, long toClient) =>
        _bridge.OnEnded(peer, outcome, toTarget, toClient);

    public void OnClosing(bool begins) => _bridge.OnClosing(begins);

    public void OnPlaceMoved()
    {
    }

    public IEnumerable<ConnectionSnapshot> Suspend()
    {
        _watch.Stop();
        return _connector?.Suspend(_bridge.Settings.Name, _ => ConnectionRole.OuterLeg).Select(carried => carried.HasTarget ? carried : carried with { Role = ConnectionRole.Outer }) ?? [];
    }

    public IEnumerable<ConnectionSnapshot> ReleasePending() => _connector?.ReleasePending(_bridge.Settings.Name, static _ => ConnectionRole.Outer) ?? [];

    public bool Resume(RelayState state)
    {
        UpToDateConnector().Resume(state, 0);
        return true;
    }

    public void Stop()
    {
        _watch.Stop();
        _connector?.Stop();
        _namespaces.Release(_own);
    }
}
