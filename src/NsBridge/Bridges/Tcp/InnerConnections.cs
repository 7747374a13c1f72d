using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Joining;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Tcp;

/// <summary>What an inner half has on one loop: its connector and its ends of handoff links. On the loop's thread.</summary>
internal sealed class InnerConnections : IConnectorOwner
{
    /// <summary>The number of a connection that the outer half of this process counts.</summary>
    public const ulong CountedByOuterHalf = ulong.MaxValue;

    private readonly Bridge _bridge;
    private readonly DescriptorBudget _descriptors;
    private readonly NamespaceTracker _place;
    private readonly List<HandoffReceiver> _receivers = [];
    private readonly Dictionary<ulong, (HandoffReceiver Receiver, ulong Number)> _foreign = [];
    private Connector _connector = null!;
    private ulong _lastForeign;

    public InnerConnections(Bridge bridge, EventLoop loop, NamespaceTracker place, DescriptorBudget descriptors)
    {
        _bridge = bridge;
        _descriptors = descriptors;
        _place = place;
        Loop = loop;
    }

    public EventLoop Loop { get; }

    /// <summary>Whether another client from another process may be taken; where not, that is told.</summary>
    public bool HasRoom
    {
        get
        {
            bool hasRoom = _descriptors.HasRoom;
            if (hasRoom)
                _descriptors.Relax();
            else
                _descriptors.Press(Errno.EMFILE);
            return hasRoom;
        }
    }

    public void Start()
    {
        _connector = new Connector(Loop, _place, ConnectTarget.ToTarget(_bridge.Settings), _bridge.Tally.RelaysOf(Loop.Index), this);
        Change();
    }

    public void Change() => _connector.Change(ConnectTarget.ToTarget(_bridge.Settings), (long)_bridge.Settings.IdleTimeout.TotalMilliseconds);

    public void Connect(AcceptedClient accepted, long age = 0) => _connector.Connect([accepted], age);

    /// <summary>Brings everything to rest and gives it away.</summary>
    public IEnumerable<ConnectionSnapshot> Suspend()
    {
        DrainLinks();
        _foreign.Clear();
        return _connector.Suspend(_bridge.Settings.Name, RoleOf);
    }

    /// <summary>Gives away those who have no target yet.</summary>
    public IEnumerable<ConnectionSnapshot> ReleasePending()
    {
        DrainLinks();
        return _connector.ReleasePending(_bridge.Settings.Name, number =>
        {
            // Whoever takes them has other numbers, and does not tell of their end.
            if (_foreign.Remove(number, out (HandoffReceiver Receiver, ulong Number) foreign))
                foreign.Receiver.Notify(new HandoffNotice(foreign.Number, 0, 0, true));
            return RoleOf(number);
        });
    }

    /// <summary>Takes those whom an outer half has handed over, and whom nobody has taken out of the link yet.</summary>
    private void DrainLinks()
    {
        foreach (HandoffReceiver receiver in _receivers.ToArray())
            receiver.Drain();
    }

    private static ConnectionRole RoleOf(ulong number) => number == CountedByOuterHalf ? ConnectionRole.InnerLeg : ConnectionRole.Inner;

    /// <summary>Goes on with a connection that was given away.</summary>
    public void Resume(ConnectionSnapshot carried)
    {
        ulong number = carried.Role == ConnectionRole.InnerLeg ? CountedByOuterHalf : 0;
        if (carried.HasTarget)
            _connector.Resume(carried.Relay, number);
        else
            Connect(new AcceptedClient(carried.Relay.Client, carried.Relay.ClientKind, carried.Relay.Peer, carried.Offset, number), carried.Age);
    }

    public void AddReceiver(int descriptor, bool isOwn)
    {
        var receiver = new HandoffReceiver(this, _connector, descriptor, isOwn);
        _receivers.Add(receiver);
        receiver.Start();
    }

    public void Remove(HandoffReceiver receiver)
    {
        _receivers.Remove(receiver);
        receiver.Close();
        // What came by it goes on, but nobody is left to be told of its end.
        foreach ((ulong number, (HandoffReceiver Receiver, ulong Number) foreign) in _foreign)
        {
            if (foreign.Receiver == receiver)
                _foreign.Remove(number);
        }
    }

    /// <summary>
    /// Outer halves of others are sent elsewhere: the bridge's next inner half is theirs, if there is one. Its own has stopped by itself.
    /// </summary>
    public void RetireForeign()
    {
        foreach (HandoffReceiver receiver in _receivers.ToArray())
        {
            if (!receiver.IsOwn)
                receiver.Retire();
        }
    }

    /// <summary>Clients that were handed over, but for whom this process had no descriptor left.</summary>
    public void OnLostInTransit(HandoffReceiver receiver, ReadOnlySpan<byte> records)
    {
        for (; records.Length >= HandoffRecord.Size; records = records[HandoffRecord.Size..])
        {
            HandoffRecord lost = HandoffRecord.Read(records);
            if (!receiver.IsOwn)
            {
                receiver.Notify(new HandoffNotice(lost.Number, 0, 0, false));
                continue;
            }
            _bridge.OnFailed(lost.Peer, "no descriptor was left to take the client over");
            _bridge.OnEnded(lost.Peer, new RelayOutcome(EndReason.Aborted, Errno.EMFILE), 0, 0);
        }
    }

    /// <summary>Checks what an outer half of another process handed over, and lets it in or not.</summary>
    public bool AdmitForeign(HandoffReceiver receiver, ref AcceptedClient accepted)
    {
        if (!IsTcpOfAClient(accepted, out PeerAddress peer))
        {
            // Who went away while he waited in the link is not connected any more either.
            Libc.Close(accepted.Client);
            receiver.Notify(new HandoffNotice(accepted.Number, 0, 0, true));
            return false;
        }
        if (!_bridge.Admit(peer))
        {
            Libc.CloseWithReset(accepted.Client);
            receiver.Notify(new HandoffNotice(accepted.Number, 0, 0, false));
            return false;
        }
        ulong number = ++_lastForeign;
        _foreign.Add(number, (receiver, accepted.Number));
        accepted = accepted with { Peer = peer, Number = number };
        return true;
    }

    private static bool IsTcpOfAClient(in AcceptedClient accepted, out PeerAddress peer)
    {
        peer = accepted.Peer;
        if (Libc.GetOption(accepted.Client, Libc.SOL_SOCKET, Libc.SO_PROTOCOL, out int protocol) < 0 || protocol != Libc.IPPROTO_TCP)
            return false;
        if (Libc.SetNonBlocking(accepted.Client) < 0)
            return false;
        int connected = Libc.PeerAddress(accepted.Client, out SockAddr address);
        // Who has reset has no peer address any more; what he said before that is the target's all the same.
        if (connected >= 0)
            peer = PeerAddress.From(address);
        else if (connected != -(int)Errno.ENOTCONN || !accepted.HasUnreadData)
            return false;
        return !peer.IsUnix;
    }

    public void OnConnected(long microseconds) => _bridge.OnConnected(microseconds);

    public void OnUnreachable(PeerAddress peer, string reason, Errno error) => _bridge.OnFailed(peer, reason);

    public void OnEnded(PeerAddress peer, ulong number, RelayOutcome outcome, long toTarget, long toClient)
    {
        if (number != 0 && number != CountedByOuterHalf && _foreign.Remove(number, out (HandoffReceiver Receiver, ulong Number) foreign))
            foreign.Receiver.Notify(new HandoffNotice(foreign.Number, toTarget, toClient, toTarget + toClient > 0 || outcome.Ending is EndReason.Closed or EndReason.ClientReset));
        if (number != CountedByOuterHalf)
            _bridge.OnEnded(peer, outcome, toTarget, toClient);
    }

    public void OnClosing(bool begins) => _bridge.OnClosing(begins);

    public void OnPlaceMoved() => _bridge.ProbeNamespaces();

    /// <summary>Ends connections into any namespace but the one that is there, where the bridge wants that, and dials for those who wait.</summary>
    public void OnNamespaceChanged()
    {
        ulong cookie = _place.ProbeCookie();
        if (_bridge.Settings.WhenNamespaceGoes == Configuration.Values.WhenNamespaceGoes.Close)
        {
            int ended = _connector.AbortAllBut(cookie);
            if (ended > 0)
                _bridge.OnNamespaceEnded(ended);
        }
        if (cookie != 0)
            _connector.Retry();
    }

    /// <summary>The outer half's listeners lost their network namespace: its clients go with them.</summary>
    /// <param name="cookie">The namespace.</param>
    public void AbortClientsIn(ulong cookie)
    {
        // Those who are on their way from the outer half hold the namespace too; what other processes hand over is never of it.
        foreach (HandoffReceiver receiver in _receivers.ToArray())
        {
            if (receiver.IsOwn)
                receiver.Drain();
        }
        int ended = _connector.AbortClientsIn(cookie);
        if (ended > 0)
            _bridge.OnNamespaceEnded(ended);
    }

    public void Stop()
    {
        // Who is still in a link is reset with the others: the kernel would end him as if he had been served.
        DrainLinks();
        _connector.Stop();
        foreach (HandoffReceiver receiver in _receivers)
            receiver.Close();
        _receivers.Clear();
    }
}
