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

/// <summary>
/// Gives the flows of one bridge their sockets: enters the namespace once for all that begin together, tries the target's next address
/// where one refuses, and parks flows while the target is not there. All on the loop's thread.
/// </summary>
internal sealed class FlowConnector : EventSource, IFlowOwner
{
    /// <summary>Flows that may wait for a target that is not there.</summary>
    private const int MostParked = 1024;

    private const int RetryMilliseconds = 100;

    /// <summary>Parked flows that are tried at one turn.</summary>
    private const int FlowsPerRetry = 64;

    /// <summary>How long an address may take to refuse, with another one to try: a refusal on loopback comes at once.</summary>
    private const int TrialMilliseconds = 1000;

    private readonly Bridge _bridge;
    private readonly NamespaceTracker _place;
    private readonly DescriptorBudget _descriptors;
    private readonly LinkedList<UdpFlow> _parked = new();
    private ConnectTarget _plan;

    public FlowConnector(Bridge bridge, EventLoop loop, NamespaceTracker place, DescriptorBudget descriptors)
    {
        _bridge = bridge;
        _place = place;
        _descriptors = descriptors;
        _plan = ConnectTarget.ToTarget(bridge.Settings);
        Table = new FlowTable(loop, bridge.Tally.RelaysOf(loop.Index), this);
    }

    public FlowTable Table { get; }

    private EventLoop Loop => Table.Loop;

    /// <summary>Begins to serve. On the loop.</summary>
    public void Start()
    {
        Loop.Attach(this);
        Change();
    }

    /// <summary>
    /// Takes over the settings of now. A client of UDP does not dial again, so flows that the new ones would not allow, or that lead to another target,
    /// end; the next datagram begins a new flow.
    /// </summary>
    public void Change()
    {
        BridgeSettings settings = _bridge.Settings;
        ConnectTarget before = _plan;
        _plan = ConnectTarget.ToTarget(settings);
        Table.Limit = settings.MaxConnections > 0 ? settings.MaxConnections : FlowLimits.Default;
        Table.LimitPerClient = settings.MaxConnectionsPerClient;
        Table.ChangeIdleTimeout((long)settings.IdleTimeout.TotalMilliseconds);
        bool moved = before.Target != _plan.Target;
        Table.EndWhere(flow => (moved && !flow.IsWaiting) || !_bridge.IsAllowed(flow.Peer), new RelayOutcome(EndReason.Aborted));
        Table.ObeyLimits();
    }

    public bool IsWelcome(PeerAddress peer)
    {
        if (_bridge.IsAllowed(peer))
            return true;
        _bridge.Refuse(peer, AdmitVerdict.NotAllowed);
        return false;
    }

    public bool Admit(PeerAddress peer)
    {
        if (_descriptors.HasRoom)
            _descriptors.Relax();
        else
            _descriptors.Press(Errno.EMFILE);
        // Near the process's limit a new flow takes the place of an old one; where all places are others', there is none.
        if (!_descriptors.HasRoom && !Table.DisplaceOldest())
        {
            _bridge.Refuse(peer, AdmitVerdict.BridgeFull);
            return false;
        }
        return _bridge.Admit(peer);
    }

    public void OnBegun(ReadOnlySpan<UdpFlow> flows) => ConnectAttempt(flows);

    private void ConnectAttempt(ReadOnlySpan<UdpFlow> flows)
    {
        Span<int> sockets = stackalloc int[flows.Length];
        int made = OpenSockets(_plan.Family(0), sockets, out ulong cookie, out EnterFailure failure);
        for (int i = 0; i < flows.Length; i++)
        {
            flows[i].AddressIndex = 0;
            if (i < made)
                Connect(flows[i], sockets[i], cookie);
            else
                Unreachable(flows[i], failure);
        }
    }

    private int OpenSockets(int family, Span<int> sockets, out ulong cookie, out EnterFailure failure)
    {
        int made = _place.OpenSockets(family, Libc.SOCK_DGRAM, sockets, out cookie, out failure);
        // What is seen here is newer than what the watch saw: let it look, so that flows into the old namespace end.
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
        int result = _plan.Address(socket, flow.AddressIndex, flow.Offset, out SockAddr address);
        if (result >= 0)
            result = Libc.Connect(socket, address);
        if (result >= 0 && SelfConnection.IsOne(socket, address))
            result = -(int)Errno.ECONNREFUSED;
        if (result < 0)
        {
            Libc.Close(socket);
            OnFailed(flow, Libc.ErrorOf(result));
            return;
        }
        UdpSocket.Prepare(socket);
        long trial = flow.AddressIndex + 1 < _plan.AddressCount ? TrialMilliseconds : 0;
        flow.Open(socket, cookie, flow.HasAnswered ? 0 : Math.Max(trial, PatienceLeft(flow)));
    }

    public void OnFailed(UdpFlow flow, Errno error)
    {
        flow.CloseSocket();
        if (!flow.HasAnswered && flow.AddressIndex + 1 < _plan.AddressCount)
        {
            flow.AddressIndex++;
            Span<int> socket = stackalloc int[1];
            if (OpenSockets(_plan.Family(flow.AddressIndex), socket, out ulong cookie, out EnterFailure failure) == 1)
                Connect(flow, socket[0], cookie);
            else
                Unreachable(flow, failure);
            return;
        }
        if (!TryPark(flow))
            GiveUp(flow, TargetFailure.Explain(_plan.Describe(flow.Offset), error), error);
    }

    private void Unreachable(UdpFlow flow, EnterFailure failure)
    {
        if (flow.HasEnded)
            return;
        if (failure.IsExhaustion)
        {
            _descriptors.Press(failure.Error);
            Table.DisplaceOldest();
        }
        if (flow.HasEnded || TryPark(flow))
            return;
        GiveUp(flow, _place.Resolve(out NamespaceState absent) is { } network ? network.Explain(failure) : absent.Reason, failure.Error);
    }

    private void GiveUp(UdpFlow flow, string reason, Errno error)
    {
        _bridge.OnFailed(flow.Peer, reason);
        flow.End(new RelayOutcome(EndReason.TargetReset, error));
    }

    private long PatienceLeft(UdpFlow flow) => (long)_plan.TargetWait.TotalMilliseconds - (Loop.Now - flow.Began);

    private bool TryPark(UdpFlow flow)
    {
        if (flow.HasAnswered || PatienceLeft(flow) <= 0 || _parked.Count >= MostParked)
            return false;
        flow.Parked = _parked.AddLast(flow);
        if (!IsTimerSet)
            Loop.SetTimer(this, RetryMilliseconds);
        return true;
    }

    protected override void OnTimer() => Retry();

    // One after the other until one finds that the target is still not there; that one is the last in line then.
    private void Retry()
    {
        GiveUpWhoWaitedLongEnough();
        for (int i = 0; i < FlowsPerRetry && _parked.First is { Value: { } flow }; i++)
        {
            Unpark(flow);
            ConnectAttempt([flow]);
            if (flow is { IsWaiting: true, HasEnded: false })
                break;
        }
        if (_parked.Count > 0)
            Loop.SetTimer(this, RetryMilliseconds);
    }

    private void GiveUpWhoWaitedLongEnough()
    {
        for (LinkedListNode<UdpFlow>? node = _parked.First; node is not null;)
        {
            UdpFlow flow = node.Value;
            node = node.Next;
            if (PatienceLeft(flow) > 0)
                continue;
            string reason = _place.State is { CanEnter: false } state ? state.Reason : TargetFailure.Explain(_plan.Describe(flow.Offset), Errno.ETIMEDOUT);
            GiveUp(flow, reason, Errno.ETIMEDOUT);
        }
    }

    private void Unpark(UdpFlow flow)
    {
        if (flow.Parked is { } node)
            _parked.Remove(node);
        flow.Parked = null;
    }

    protected override void OnEvents(uint events, int end)
    {
    }

    public void OnAnswered(UdpFlow flow) => _bridge.OnConnected(flow.AgeMicroseconds);

    public void OnDropped(Errno error, bool towardsTarget) => _bridge.OnDropped(DatagramFault.Explain(error, towardsTarget));

    public void OnEnded(UdpFlow flow, RelayOutcome outcome)
    {
        Unpark(flow);
        _bridge.OnEnded(flow.Peer, outcome, flow.BytesToTarget, flow.BytesToClient);
    }

    /// <summary>Ends flows into any namespace but the one that is there, where the bridge wants that, and tries again for those that wait.</summary>
    public void OnNamespaceChanged()
    {
        ulong cookie = _place.ProbeCookie();
        if (_bridge.Settings.WhenNamespaceGoes == WhenNamespaceGoes.Close)
        {
            int ended = Table.EndWhere(flow => !flow.IsWaiting && flow.Cookie != cookie, new RelayOutcome(EndReason.Aborted));
            if (ended > 0)
                _bridge.OnNamespaceEnded(ended);
        }
        if (cookie != 0)
            Retry();
    }

    /// <summary>Ends everything and leaves the loop.</summary>
    public void Stop()
    {
        Table.EndWhere(static _ => true, new RelayOutcome(EndReason.Aborted));
        Loop.Detach(this);
    }
}
