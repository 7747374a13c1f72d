using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Udp;

namespace NsBridge.Bridges.Udp;

/// <summary>Gives the flows of one bridge their sockets: enters the namespace once for all that begin together, tries the target's next
/// address after a refusal, and parks flows while the target is missing. On the loop's thread.</summary>
internal sealed class FlowConnector : IFlowOwner
{
    /// <summary>Flows that may wait for a missing target.</summary>
    private const int MostParked = 1024;

    private const int RetryMilliseconds = 100;

    /// <summary>Parked flows that are tried at one turn.</summary>
    private const int FlowsPerRetry = 64;

    /// <summary>How long an address may take to refuse if there is another one: a refusal on loopback comes at once.</summary>
    private const int TrialMilliseconds = 1000;

    private readonly IBridgeContext _bridge;
    private readonly IClientAdmission _clients;
    private readonly IConnectionEvents _events;
    private readonly NamespaceTracker _place;
    private readonly DescriptorBudget _descriptors;
    private readonly LoopTimer _retry;
    private readonly LinkedList<UdpFlow> _parked = new();
    private readonly FailureText _failure = new();
    private ConnectTarget _target;

    public FlowConnector(
        IBridgeContext bridge,
        IClientAdmission clients,
        IConnectionEvents events,
        EventLoop loop,
        NamespaceTracker place,
        DescriptorBudget descriptors)
    {
        _bridge = bridge;
        _clients = clients;
        _events = events;
        _place = place;
        _descriptors = descriptors;
        _retry = new LoopTimer(loop, Retry);
        _target = ConnectTarget.ToTarget(bridge.Settings);
        Table = new FlowTable(loop, bridge.Counters.RelaysOf(loop.Index), this);
    }

    public FlowTable Table { get; }

    public int Limit => _bridge.Settings.MaxConnections is > 0 and int written ? written : _descriptors.FlowsPerBridge;

    /// <summary>Adopts the present settings; called before the first flow too. A UDP client does not connect again, so flows that the new
    /// settings do not allow, or that lead to another target, end; the next datagram begins a new flow.</summary>
    public void Change()
    {
        BridgeSettings settings = _bridge.Settings;
        ConnectTarget before = _target;
        _target = ConnectTarget.ToTarget(settings);
        Table.LimitPerClient = settings.MaxConnectionsPerClient;
        Table.ChangeIdleTimeout((long)settings.IdleTimeout.TotalMilliseconds);
        bool isMoved = before.Target != _target.Target;
        Table.EndWhere(
            flow => (isMoved && !flow.IsWaiting) || _clients.Check(flow.Peer) != AdmitVerdict.Admitted,
            new RelayOutcome(EndReason.Aborted));
        Table.ObeyLimits();
    }

    public bool IsWelcome(PeerAddress peer)
    {
        AdmitVerdict verdict = _clients.Check(peer);
        if (verdict != AdmitVerdict.Admitted)
            _clients.Refuse(peer, verdict);
        return verdict == AdmitVerdict.Admitted;
    }

    public void OnForged(PeerAddress peer) => _clients.Refuse(peer, AdmitVerdict.Forged);

    public bool Admit(PeerAddress peer)
    {
        // Near the process's limit a new flow replaces an old one of this bridge, if there is one.
        if (!_clients.TryFindRoom() && !Table.DisplaceOldest())
        {
            _clients.Refuse(peer, AdmitVerdict.BridgeFull);
            return false;
        }
        return _clients.Admit(peer);
    }

    public void OnBegun(ReadOnlySpan<UdpFlow> flows)
    {
        Span<int> sockets = stackalloc int[flows.Length];
        int family = _target.Family(_target.FirstFor(flows[0].Peer));
        int made = OpenSockets(family, sockets, out ulong cookie, out EnterFailure failure);
        for (int i = 0; i < flows.Length; i++)
        {
            flows[i].AddressIndex = _target.FirstFor(flows[i].Peer);
            if (i < made && _target.Family(flows[i].AddressIndex) != family)
            {
                Libc.Close(sockets[i]);
                ConnectAgain(flows[i]);
            }
            else if (i < made)
                Connect(flows[i], sockets[i], cookie);
            else
                OnUnreachable(flows[i], failure);
        }
    }

    private int OpenSockets(int family, Span<int> sockets, out ulong cookie, out EnterFailure failure)
    {
        int made = _place.OpenSockets(family, Libc.SOCK_DGRAM, sockets, out cookie, out failure);
        // A new socket is newer than the last probe: another probe ends flows into the old namespace.
        if (made == 0 ? _place.State.CanEnter && !failure.IsExhaustion : cookie != _place.State.Cookie)
            _bridge.ProbeNamespaces();
        return made;
    }

    private void Connect(UdpFlow flow, int socket, ulong cookie)
    {
        if (flow.HasEnded)
        {
            Libc.Close(socket);
            return;
        }
        int result = _target.Address(socket, flow.AddressIndex, flow.Offset, out SockAddr address);
        SockAddr own = default;
        if (result >= 0 && _target.BindsTo(flow.Peer))
        {
            if (_bridge.SourceTrouble(cookie) is { } trouble)
            {
                Libc.Close(socket);
                if (!TryPark(flow))
                    GiveUp(flow, trouble.Text, Errno.EHOSTUNREACH);
                return;
            }
            result = Libc.BindForeign(socket, flow.Peer.ToSockAddr(), isStream: false);
        }
        // Without a port: answers may come from another one.
        if (result >= 0)
            result = Libc.Connect(socket, address.WithPort(0));
        if (result >= 0)
            result = Libc.LocalAddress(socket, out own);
        if (result >= 0 && ConnectTarget.IsSelf(own, address))
            result = -(int)Errno.ECONNREFUSED;
        if (result < 0)
        {
            Libc.Close(socket);
            OnFailed(flow, Libc.ErrorOf(result));
            return;
        }
        UdpSocket.Prepare(socket);
        long trial = _target.HasNext(flow.AddressIndex, flow.Peer) ? TrialMilliseconds : 0;
        flow.Open(socket, address, own, cookie, flow.HasAnswered ? 0 : Math.Max(trial, PatienceLeft(flow)));
    }

    public void OnFailed(UdpFlow flow, Errno error)
    {
        flow.CloseSocket();
        if (!flow.HasAnswered && _target.HasNext(flow.AddressIndex, flow.Peer))
        {
            flow.AddressIndex++;
            ConnectAgain(flow);
            return;
        }
        if (!TryPark(flow))
            GiveUp(flow, _failure.Of(_target, flow.Offset, error), error);
    }

    private void ConnectAgain(UdpFlow flow)
    {
        Span<int> socket = stackalloc int[1];
        if (OpenSockets(_target.Family(flow.AddressIndex), socket, out ulong cookie, out EnterFailure failure) == 1)
            Connect(flow, socket[0], cookie);
        else
            OnUnreachable(flow, failure);
    }

    private void OnUnreachable(UdpFlow flow, EnterFailure failure)
    {
        if (flow.HasEnded)
            return;
        if (failure.IsExhaustion)
        {
            _descriptors.OnExhausted(failure.Error);
            Table.DisplaceOldest();
        }
        if (flow.HasEnded || TryPark(flow))
            return;
        GiveUp(flow, StateReason.Unreachable(_place, failure).Text, failure.Error);
    }

    private void GiveUp(UdpFlow flow, string reason, Errno error)
    {
        _events.OnFailed(flow.Peer, reason);
        flow.End(new RelayOutcome(EndReason.TargetReset, error));
    }

    private long PatienceLeft(UdpFlow flow) => (long)_target.TargetWait.TotalMilliseconds - (Table.Loop.Now - flow.Began);

    private bool TryPark(UdpFlow flow)
    {
        if (flow.HasAnswered || PatienceLeft(flow) <= 0 || _parked.Count >= MostParked)
            return false;
        _parked.AddLast(flow.InQueue);
        _retry.SetOnce(RetryMilliseconds);
        return true;
    }

    // One after the other until one finds that the target is still missing; that one is the last in the queue then.
    private void Retry()
    {
        GiveUpExpired();
        for (int i = 0; i < FlowsPerRetry && _parked.First is { Value: { } flow }; i++)
        {
            Unpark(flow);
            OnBegun([flow]);
            if (flow is { IsWaiting: true, HasEnded: false })
                break;
        }
        if (_parked.Count > 0)
            _retry.Set(RetryMilliseconds);
    }

    private void GiveUpExpired()
    {
        for (LinkedListNode<UdpFlow>? node = _parked.First; node is not null;)
        {
            UdpFlow flow = node.Value;
            node = node.Next;
            if (PatienceLeft(flow) > 0)
                continue;
            string reason = _place.State is { CanEnter: false } state
                ? state.Reason
                : ErrnoText.Connect(_target.Describe(flow.Offset), Errno.ETIMEDOUT);
            GiveUp(flow, reason, Errno.ETIMEDOUT);
        }
    }

    private void Unpark(UdpFlow flow)
    {
        if (flow.InQueue.List is not null)
            _parked.Remove(flow.InQueue);
    }

    public int WriteHeader(UdpFlow flow, Span<byte> to) =>
        _target.ProxyProtocol == ProxyProtocol.None ? 0 : ProxyHeader.WriteOfDatagram(to, flow.Peer, flow.Local);

    public void OnAnswered(UdpFlow flow) => _events.OnConnected(flow.AgeMicroseconds);

    public void OnDropped(Errno error, bool towardsTarget) => _events.OnDropped(ErrnoText.Datagrams(error, towardsTarget));

    public void OnEnded(UdpFlow flow, RelayOutcome outcome)
    {
        Unpark(flow);
        _events.OnEnded(flow.Peer, outcome, flow.BytesToTarget, flow.BytesToClient, Table.Loop.Now - flow.Began);
    }

    /// <summary>Ends flows into any namespace but the present one, if so configured, and retries the parked ones.</summary>
    /// <inheritdoc cref="IConnectionList.ConnectionsAsync"/>
    public IReadOnlyList<ConnectionReport> Connections() => [.. Table.Flows().Select(flow => new ConnectionReport(
        new ConnectionOrigin(flow.Peer, flow.Offset, 0, flow.Id, flow.Began),
        flow.IsWaiting ? ConnectionState.Parked : flow.HasAnswered ? ConnectionState.Open : ConnectionState.Connecting,
        0, Table.Loop.Now - flow.Began, flow.IdleTime, flow.BytesToTarget, flow.BytesToClient))];

    /// <inheritdoc cref="IConnectionList.EndAsync"/>
    public int End(ConnectionFilter filter) =>
        Table.EndWhere(flow => filter.Selects(flow.Id, flow.Peer), new RelayOutcome(EndReason.Aborted));

    public void OnNamespaceChanged()
    {
        ulong cookie = _place.ProbeCookie();
        if (_bridge.Settings.WhenNamespaceGoes == WhenNamespaceGoes.Close)
        {
            int ended = Table.EndWhere(flow => !flow.IsWaiting && flow.Cookie != cookie, new RelayOutcome(EndReason.Aborted));
            if (ended > 0)
                _events.OnNamespaceEnded(ended);
        }
        // What the target sends is lost, or leaves by another way.
        if (_bridge.SourceTrouble(cookie) is { Code: ReasonCode.ReturnRouteMissing })
            Table.EndWhere(flow => !flow.IsWaiting, new RelayOutcome(EndReason.Aborted));
        if (cookie != 0)
            Retry();
    }

    /// <summary>Ends everything and leaves the loop.</summary>
    public void Stop()
    {
        Table.EndWhere(static _ => true, new RelayOutcome(EndReason.Aborted));
        _retry.Clear();
    }
}
