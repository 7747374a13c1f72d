using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Joining;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Values;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Tcp;

/// <summary>The inner half of a TCP bridge: listens on the UNIX socket and connects the clients to the target inside the namespace. Its
/// listener lives on the bridge's home loop; each loop that relays has a connector of its own.</summary>
internal sealed class InnerHalf : IInnerHalf, IInnerCarrier, IConnectionList, IJoinServer
{
    private readonly IBridgeContext _bridge;
    private readonly IClientAdmission _clients;
    private readonly LoopGroup _loops;
    private readonly EventLoop _home;
    private readonly JoinSocket _socket;
    private readonly InnerConnections[] _connections;
    private readonly TargetProbe _probe;
    private readonly bool _relaysWithin;

    /// <exception cref="BridgeSetupException">The UNIX socket cannot be made.</exception>
    public InnerHalf(
        IBridgeContext bridge,
        IClientAdmission clients,
        IConnectionEvents events,
        LoopGroup loops,
        EventLoop home,
        NamespaceTracker place,
        DescriptorBudget descriptors,
        ListeningSockets listening)
    {
        _bridge = bridge;
        _clients = clients;
        _loops = loops;
        _home = home;
        _relaysWithin = IBridgeContext.RelaysWithin(bridge.Settings);
        _connections = [.. loops.Loops.Select(loop => new InnerConnections(bridge, clients, events, loop, place))];
        _probe = new TargetProbe(bridge, events, home, place);
        _socket = new JoinSocket(this, bridge.Settings, listening, descriptors, home);
    }

    public SockAddr SocketAddress => _socket.Address;

    public bool IsSocketInPlace => _socket.IsInPlace;

    /// <remarks>Holding back clients that this process has admitted would keep their room taken.</remarks>
    public bool HasRoom => _relaysWithin || _clients.HasRoom;

    public async Task StartAsync()
    {
        foreach (InnerConnections connections in _connections)
            await connections.Loop.InvokeAsync(connections.Start);
        await _home.InvokeAsync(_socket.Start);
    }

    public Task MakeSocketAnewAsync() => _home.InvokeAsync(_socket.MakeAnew);

    public void Change()
    {
        Post(connections => connections.Change());
        _home.Post(_probe.Restart);
    }

    public void OnAccepted(int descriptor, JoinPeerName name)
    {
        Libc.PeerCredentials(descriptor, out int process, out uint user);
        bool isOwnUser = PeerUser.IsOwn(process, user);
        // Listeners of another protocol are closed, which the other half reports. Only the daemon's own user may hand off: what any other
        // user sends under that name, descriptors or bytes, goes nowhere.
        if (name.Kind == JoinKind.Datagrams || (name.Kind == JoinKind.Handoff && !isOwnUser))
        {
            Libc.Close(descriptor);
            return;
        }
        // The outer half of another bridge of this process does not claim to be the bridge's own, and counts as another process.
        bool isOwn = name.IsOwn && isOwnUser;
        if (name.Kind == JoinKind.Handoff)
        {
            InnerConnections receiving = isOwn ? _connections[name.LoopIndex % _connections.Length] : Choose();
            AddReceiver(receiving, descriptor, isOwn);
            return;
        }
        // The bridge's own outer half has admitted and counts the clients that it relays.
        bool isRelay = name.Kind == JoinKind.Relay;
        ulong number = isRelay && isOwn ? AcceptedClient.CountedByOuterHalf : 0;
        SocketKind kind = isRelay ? SocketKind.UnixHalf : SocketKind.Unix;
        // Of the daemon's own user, who could be any client by a handoff too.
        PeerAddress peer = isRelay && isOwnUser ? name.Client ?? PeerAddress.Unix : PeerAddress.Unix;
        var accepted = new AcceptedClient(descriptor, kind, peer, isRelay ? name.PortOffset : 0, number);
        bool lacksAddress = isRelay && peer.IsUnix && _bridge.Settings.SourceAddress == SourceAddress.Client;
        if (lacksAddress)
            _clients.Refuse(peer, AdmitVerdict.NoAddress);
        if (lacksAddress || (number == 0 && !(HasRoomForAnother && _clients.Admit(peer))))
            accepted.Reset();
        else
            Choose().Take(accepted);
    }

    private static void AddReceiver(InnerConnections connections, int descriptor, bool isOwn) =>
        connections.Loop.Post(() => connections.AddReceiver(descriptor, isOwn));

    /// <summary>If bytes cross the join within this process the listener accepts without asking for room: asks for the other clients
    /// here.</summary>
    private bool HasRoomForAnother => !_relaysWithin || _clients.TryFindRoom();

    private InnerConnections Choose() => _connections[_loops.ChooseRelay(_home).Index];

    private void Post(Action<InnerConnections> action)
    {
        foreach (InnerConnections connections in _connections)
            connections.Loop.Post(() => action(connections));
    }

    public void OnNamespaceChanged()
    {
        Post(connections => connections.OnNamespaceChanged());
        _home.Post(_probe.Restart);
    }

    public void AbortClientsIn(ulong cookie) => Post(connections => connections.AbortClientsIn(cookie));

    public Task<IReadOnlyList<ListenerSnapshot>> ListenersAsync() => _home.InvokeAsync(_socket.Listeners);

    public async Task UnbindAsync()
    {
        await _home.InvokeAsync(() =>
        {
            _socket.Release();
            _probe.Stop();
        });
        // After the listener: an outer half that links again finds the next inner half, or waits for it in the backlog.
        foreach (InnerConnections connections in _connections)
            await connections.Loop.InvokeAsync(connections.RetireForeign);
    }

    public async Task<IReadOnlyList<ConnectionReport>> ConnectionsAsync() =>
        [.. (await Task.WhenAll(_connections.Select(connections => connections.ConnectionsAsync()))).SelectMany(reports => reports)];

    public async Task<int> EndAsync(ConnectionFilter filter) => (await Task.WhenAll(
        _connections.Select(connections => connections.Loop.InvokeAsync(() => connections.End(filter))))).Sum();

    public Task<IEnumerable<ConnectionSnapshot>> SuspendAsync() => GatherAsync(connections => connections.Suspend());

    public Task<IEnumerable<ConnectionSnapshot>> ReleasePendingAsync() => GatherAsync(connections => connections.ReleasePending());

    private async Task<IEnumerable<ConnectionSnapshot>> GatherAsync(Func<InnerConnections, IEnumerable<ConnectionSnapshot>> give)
    {
        var carried = new List<ConnectionSnapshot>();
        foreach (InnerConnections connections in _connections)
            carried.AddRange(await connections.Loop.InvokeAsync(() => give(connections)));
        return carried;
    }

    public async Task<IReadOnlyList<ConnectionSnapshot>> ResumeAsync(IReadOnlyList<ConnectionSnapshot> carried)
    {
        // Evenly over the loops, which have nothing else to do yet.
        IEnumerable<ConnectionSnapshot[]> parts = carried.Chunk((carried.Count + _connections.Length - 1) / _connections.Length);
        await Task.WhenAll(parts.Zip(
            _connections, (part, connections) => connections.Loop.InvokeAsync(() => Array.ForEach(part, connections.Resume))));
        return [];
    }

    public async Task AbortAsync()
    {
        foreach (InnerConnections connections in _connections)
            await connections.Loop.InvokeAsync(connections.Stop);
        await _home.InvokeAsync(_socket.Close);
    }
}
