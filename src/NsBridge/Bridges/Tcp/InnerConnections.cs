using System.Collections.Concurrent;
using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Joining;
using NsBridge.Configuration.Values;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Tcp;

/// <summary>The part of an inner half on one loop: its connector and its ends of handoff links. On the loop's thread.</summary>
internal sealed class InnerConnections(
    IBridgeContext bridge,
    IClientAdmission clients,
    IConnectionEvents events,
    EventLoop loop,
    NamespaceTracker place)
    : IConnectorOwner, IHandoffClients
{
    private readonly List<HandoffReceiver> _receivers = [];
    private readonly Dictionary<ulong, (HandoffReceiver Receiver, ulong Number)> _foreign = [];
    private readonly ConcurrentQueue<AcceptedClient> _taken = new();
    private Action _connectTaken = null!;
    private Connector _connector = null!;
    private ulong _lastForeign;

    public EventLoop Loop => loop;

    public bool HasRoom => clients.TryFindRoom();

    public void Start()
    {
        _connectTaken = ConnectTaken;
        _connector = new Connector(loop, place, ConnectTarget.ToTarget(bridge.Settings), bridge.Counters.RelaysOf(loop.Index), this);
        Change();
    }

    public void Change() => _connector.Change(ConnectTarget.ToTarget(bridge.Settings), (long)bridge.Settings.IdleTimeout.TotalMilliseconds);

    /// <summary>Takes a client over. Any thread may call.</summary>
    public void Take(in AcceptedClient accepted)
    {
        if (loop.IsCurrent)
        {
            _connector.Connect([accepted]);
            return;
        }
        _taken.Enqueue(accepted);
        loop.Post(_connectTaken);
    }

    private void ConnectTaken()
    {
        while (_taken.TryDequeue(out AcceptedClient accepted))
            _connector.Connect([accepted]);
    }

    /// <inheritdoc cref="IConnectionList.ConnectionsAsync"/>
    public Task<IReadOnlyList<ConnectionReport>> ConnectionsAsync() => ConnectorReports.OfAsync(_connector);

    /// <inheritdoc cref="IConnectionList.EndAsync"/>
    public int End(ConnectionFilter filter) => _connector.End(filter);

    /// <summary>Stops all connections at a message boundary and gives them away.</summary>
    public IEnumerable<ConnectionSnapshot> Suspend()
    {
        DrainLinks();
        _foreign.Clear();
        return _connector.Suspend(bridge.Settings.Name, RoleOf);
    }

    /// <summary>Gives away the clients without a target.</summary>
    public IEnumerable<ConnectionSnapshot> ReleasePending()
    {
        DrainLinks();
        return _connector.ReleasePending(bridge.Settings.Name, number =>
        {
            // The next bridge gives them other numbers, and does not report their end.
            if (_foreign.Remove(number, out (HandoffReceiver Receiver, ulong Number) foreign))
                foreign.Receiver.Notify(new HandoffNotice(foreign.Number, 0, 0, true));
            return RoleOf(number);
        });
    }

    /// <summary>Takes the clients that are still in the links.</summary>
    private void DrainLinks()
    {
        foreach (HandoffReceiver receiver in _receivers.ToArray())
            receiver.Drain();
    }

    private static ConnectionRole RoleOf(ulong number) =>
        number == AcceptedClient.CountedByOuterHalf ? ConnectionRole.InnerLeg : ConnectionRole.Inner;

    /// <summary>Continues a connection that was given away.</summary>
    public void Resume(ConnectionSnapshot carried)
    {
        ulong number = carried.Role == ConnectionRole.InnerLeg ? AcceptedClient.CountedByOuterHalf : 0;
        if (carried.HasTarget)
            _connector.Relays.Resume(carried.Relay, number);
        else
            _connector.Connect([AcceptedClient.Of(carried, number)], carried.Age);
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
        // Its clients go on; there is no link to report their end over.
        foreach ((ulong number, (HandoffReceiver Receiver, ulong Number) foreign) in _foreign)
        {
            if (foreign.Receiver == receiver)
                _foreign.Remove(number);
        }
    }

    /// <summary>Takes no more clients of other processes, whose outer halves link to the bridge's next inner half. The bridge's own outer
    /// half has stopped.</summary>
    public void RetireForeign()
    {
        foreach (HandoffReceiver receiver in _receivers.ToArray())
        {
            if (!receiver.IsOwn)
                receiver.Retire();
        }
    }

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
            events.OnFailed(lost.Peer, "no descriptor was left to take the client over");
            events.OnEnded(lost.Peer, new RelayOutcome(EndReason.Unreachable, Errno.EMFILE), 0, 0, 0);
        }
    }

    public bool AdmitForeign(HandoffReceiver receiver, ref AcceptedClient accepted)
    {
        if (!IsTcpOfAClient(accepted, out PeerAddress peer))
        {
            // A client that went away in the link is not connected any more either.
            Libc.Close(accepted.Client);
            receiver.Notify(new HandoffNotice(accepted.Number, 0, 0, true));
            return false;
        }
        if (!clients.Admit(peer))
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
        // A client that has reset has no peer address any more; what it sent before still belongs to the target.
        if (connected >= 0)
            peer = PeerAddress.From(address);
        else if (connected != -(int)Errno.ENOTCONN || !accepted.HasUnreadData)
            return false;
        return !peer.IsUnix;
    }

    public void OnConnected(long microseconds) => events.OnConnected(microseconds);

    public void OnUnreachable(PeerAddress peer, string reason, Errno error) => events.OnFailed(peer, reason);

    public void OnEnded(in ConnectionOrigin origin, RelayOutcome outcome, long toTarget, long toClient)
    {
        ulong number = origin.Number;
        if (number == AcceptedClient.CountedByOuterHalf)
            return;
        if (number != 0 && _foreign.Remove(number, out (HandoffReceiver Receiver, ulong Number) foreign))
        {
            bool reached = toTarget + toClient > 0 || outcome.Ending is EndReason.Closed or EndReason.ClientReset;
            foreign.Receiver.Notify(new HandoffNotice(foreign.Number, toTarget, toClient, reached));
        }
        events.OnEnded(origin.Peer, outcome, toTarget, toClient, loop.Now - origin.Began);
    }

    public void OnClosing(bool begins) => events.OnClosing(begins);

    public StateReason? SourceTrouble(ulong cookie) => bridge.SourceTrouble(cookie);

    public void OnNamespaceMoved() => bridge.ProbeNamespaces();

    /// <summary>Ends connections into any namespace but the present one, if so configured, and connects the clients that wait.</summary>
    public void OnNamespaceChanged()
    {
        ulong cookie = place.ProbeCookie();
        if (bridge.Settings.WhenNamespaceGoes == WhenNamespaceGoes.Close)
            ReportEnded(_connector.AbortAllBut(cookie));
        // What the target sends is lost, or leaves by another way: it is to stop.
        if (SourceTrouble(cookie) is { Code: ReasonCode.ReturnRouteMissing })
            _connector.Relays.AbortWhere(IsFromOutside);
        if (cookie != 0)
            _connector.Retry();
    }

    private static bool IsFromOutside(Relay relay) =>
        relay.Origin.Number == AcceptedClient.CountedByOuterHalf || !relay.Origin.Peer.IsUnix;

    /// <inheritdoc cref="IInnerCarrier.AbortClientsIn"/>
    public void AbortClientsIn(ulong cookie)
    {
        // Clients on their way from the outer half keep the namespace alive too; those of other processes never belong to it.
        foreach (HandoffReceiver receiver in _receivers.ToArray())
        {
            if (receiver.IsOwn)
                receiver.Drain();
        }
        ReportEnded(_connector.AbortClientsIn(cookie));
    }

    private void ReportEnded(int count)
    {
        if (count > 0)
            events.OnNamespaceEnded(count);
    }

    public void Stop()
    {
        // Clients still in a link are reset with the others: the kernel would close them in good order, as if they had been served.
        DrainLinks();
        _connector.Stop();
        foreach (HandoffReceiver receiver in _receivers)
            receiver.Close();
        _receivers.Clear();
    }
}
