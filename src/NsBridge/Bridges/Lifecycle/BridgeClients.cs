using NsBridge.Bridges.Admission;
using NsBridge.Configuration.Settings;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Lifecycle;

/// <summary>The clients of a bridge: admits them, counts them with their descriptors, and logs what becomes of them. Any thread may
/// call.</summary>
internal sealed class BridgeClients : IClientAdmission, IConnectionEvents
{
    private readonly AdmissionControl _admission;
    private readonly DescriptorBudget _descriptors;
    private readonly BridgeLog _log;
    private readonly bool _relaysWithin;
    private readonly bool _isUdp;
    private volatile bool _isLogged;
    private long _connections;
    private volatile bool _isReplaced;
    private int _held;

    /// <param name="settings">The bridge's settings.</param>
    /// <param name="before">The clients of the bridge of the same name before this one: the counters and limits continue.</param>
    /// <param name="loops">How many event loops there are.</param>
    /// <param name="descriptors">Reserves descriptors.</param>
    /// <param name="log">Gets the events.</param>
    public BridgeClients(BridgeSettings settings, BridgeClients? before, int loops, DescriptorBudget descriptors, BridgeLog log)
    {
        Counters = before?.Counters ?? new BridgeCounters(loops);
        _admission = before?._admission ?? new AdmissionControl(Counters, settings);
        _descriptors = descriptors;
        _log = log;
        _relaysWithin = IBridgeContext.RelaysWithin(settings);
        _isUdp = settings.Protocol == Configuration.Values.BridgeProtocol.Udp;
        Change(settings);
    }

    public BridgeCounters Counters { get; }

    /// <summary>This bridge's own connections, with the sockets that stay open after their end; a successor of the same name has its own
    /// count.</summary>
    public long Count => Volatile.Read(ref _connections);

    /// <summary>Adopts new limits.</summary>
    public void Change(BridgeSettings settings)
    {
        _admission.Change(settings);
        _isLogged = settings.AccessLog;
    }

    /// <summary>The bridge has another target: failures of the old one are dropped.</summary>
    public void ForgetTarget()
    {
        _log.ForgetTarget();
        Counters.CountReached();
    }

    /// <summary>A reload has replaced or removed the bridge: failures of its target no longer concern anybody.</summary>
    public void OnReplaced()
    {
        if (_isReplaced)
            return;
        _isReplaced = true;
        ForgetTarget();
    }

    public bool HasRoom => _descriptors.HasRoom(Volatile.Read(ref _held), Needed);

    public bool TryFindRoom() => _descriptors.TryFindRoom(Volatile.Read(ref _held), Needed);

    private int Needed => _isUdp ? DescriptorBudget.PerFlow : DescriptorBudget.PerClient;

    public bool Admit(PeerAddress peer)
    {
        AdmitVerdict verdict = _admission.Admit(peer);
        if (verdict == AdmitVerdict.Admitted)
        {
            CountIn(peer);
            return true;
        }
        _log.Refused(peer, verdict);
        return false;
    }

    public AdmitVerdict Check(PeerAddress peer) => _admission.Check(peer);

    public void Refuse(PeerAddress peer, AdmitVerdict verdict)
    {
        Counters.CountRefused();
        _log.Refused(peer, verdict);
    }

    /// <summary>Counts a client that an earlier bridge has admitted, whatever the limits are now.</summary>
    /// <param name="peer">The client.</param>
    /// <param name="isCounted">Whether this process has admitted it, so that the limits count it already.</param>
    public void Restore(PeerAddress peer, bool isCounted)
    {
        if (!isCounted)
            _admission.Restore(peer);
        CountIn(peer);
    }

    /// <summary>Stops counting a client as this bridge's; the limits still count it, until another bridge of the name restores it or it is
    /// dropped.</summary>
    public void GiveAway(PeerAddress peer) => CountOut(peer);

    /// <summary>A client that was given away is reset.</summary>
    public void Drop(PeerAddress peer)
    {
        _admission.Release(peer);
        Counters.CountEnded(EndReason.Aborted);
        _log.Ended(new EndedConnection(peer, new RelayOutcome(EndReason.Aborted), 0, 0, 0), _isLogged);
    }

    public void OnConnected(long microseconds) => Counters.CountConnect(microseconds);

    public void OnFailed(PeerAddress peer, string reason)
    {
        Counters.CountFailed(_isReplaced ? null : reason);
        if (!_isReplaced)
            _log.Unreachable(peer, reason);
    }

    public void OnEnded(PeerAddress peer, RelayOutcome outcome, long toTarget, long toClient, long age)
    {
        _admission.Release(peer);
        CountOut(peer);
        Counters.CountEnded(outcome.Ending);
        _log.Ended(new EndedConnection(peer, outcome, toTarget, toClient, age), _isLogged);
    }

    public void OnClosing(bool begins)
    {
        if (begins)
            Hold(1);
        else
            LetGo(1);
    }

    public void OnTarget(TargetState state, string reason)
    {
        if (state == Counters.TargetState)
            return;
        Counters.TargetState = state;
        _log.Target(state, reason);
    }

    public void OnDropped(string reason) => _log.Dropped(reason);

    public void OnNamespaceEnded(int connections) => _log.NamespaceEnded(connections, _isUdp);

    private void CountIn(PeerAddress peer) => Hold(DescriptorsOf(peer));

    private void CountOut(PeerAddress peer) => LetGo(DescriptorsOf(peer));

    private void Hold(int descriptors)
    {
        Interlocked.Increment(ref _connections);
        Interlocked.Add(ref _held, descriptors);
        _descriptors.Reserve(descriptors);
    }

    private void LetGo(int descriptors)
    {
        Interlocked.Decrement(ref _connections);
        Interlocked.Add(ref _held, -descriptors);
        _descriptors.Release(descriptors);
    }

    // Two pairs if the join relays within this process.
    private int DescriptorsOf(PeerAddress peer) => _relaysWithin && !peer.IsUnix && !_isUdp ? 2 * Needed : Needed;
}
