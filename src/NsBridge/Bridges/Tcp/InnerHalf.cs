using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Joining;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Tcp;

/// <summary>
/// The inner half of a bridge: listens on its UNIX socket and connects whoever comes to the target inside the namespace. Its listener lives
/// on the bridge's home loop; each loop that relays for it has a connector of its own.
/// </summary>
internal sealed class InnerHalf : IInnerHalf, IJoinServer
{
    private readonly Bridge _bridge;
    private readonly LoopGroup _engine;
    private readonly InnerConnections[] _connections;

    /// <exception cref="BridgeSetupException">The UNIX socket cannot be had.</exception>
    public InnerHalf(Bridge bridge, LoopGroup engine, EventLoop home, NamespaceTracker place)
    {
        _bridge = bridge;
        _engine = engine;
        Home = home;
        _connections = [.. engine.Loops.Select(loop => new InnerConnections(bridge, loop, place, engine.Descriptors))];
        Socket = new JoinSocket(this, bridge.Settings, engine, home, bridge.RelaysWithin);
    }

    public EventLoop Home { get; }

    public JoinSocket Socket { get; }

    public async Task StartAsync()
    {
        foreach (InnerConnections connections in _connections)
            await connections.Loop.InvokeAsync(connections.Start);
        await Home.InvokeAsync(Socket.Start);
    }

    public void Change()
    {
        foreach (InnerConnections connections in _connections)
            connections.Loop.Post(connections.Change);
    }

    public void OnAccepted(int descriptor, JoinPeerName name)
    {
        Libc.PeerCredentials(descriptor, out int process, out uint user);
        bool isOwn = process == Environment.ProcessId;
        if (name.Kind == JoinKind.Datagrams)
        {
            // Listeners of another protocol; the other side says what that means.
            Libc.Close(descriptor);
            return;
        }
        if (name.Kind == JoinKind.Handoff)
        {
            // Whoever else takes that name gets nothing: neither his descriptors nor his bytes go anywhere.
            if (!PeerUser.IsOwn(process, user))
            {
                Libc.Close(descriptor);
                return;
            }
            // Another bridge of this process names no loop: its outer half is to this one as that of any other process.
            bool isOwnHalf = isOwn && name.LoopIndex < _connections.Length;
            AddReceiver(descriptor, isOwnHalf, isOwnHalf ? _connections[name.LoopIndex] : Choose());
            return;
        }
        // What the bridge's own outer half relays was admitted and is counted there. Another bridge of this process is to this one as any other process.
        ulong number = name.Kind == JoinKind.OwnRelay && isOwn ? InnerConnections.CountedByOuterHalf : 0;
        var accepted = new AcceptedClient(descriptor, name.IsRelayed ? SocketKind.UnixHalf : SocketKind.Unix, PeerAddress.Unix, name.IsRelayed ? name.PortOffset : 0, number);
        if (number == 0 && !(HasRoomForAnother() && _bridge.Admit(PeerAddress.Unix)))
        {
            accepted.Reset();
            return;
        }
        InnerConnections chosen = Choose();
        if (chosen.Loop == Home)
            chosen.Connect(accepted);
        else
            chosen.Loop.Post(() => chosen.Connect(accepted));
    }

    /// <summary>The listener lets everybody in where those who come are as a rule the bridge's own (see <see cref="JoinListener"/>): the others are asked for room here.</summary>
    private bool HasRoomForAnother() => !_bridge.RelaysWithin || _connections[0].HasRoom;

    private InnerConnections Choose() => _connections[_engine.ChooseRelay(Home).Index];

    private static void AddReceiver(int descriptor, bool isOwn, InnerConnections connections)
    {
        if (connections.Loop.IsCurrent)
            connections.AddReceiver(descriptor, isOwn);
        else
            connections.Loop.Post(() => connections.AddReceiver(descriptor, isOwn));
    }

    public void OnNamespaceChanged()
    {
        foreach (InnerConnections connections in _connections)
            connections.Loop.Post(connections.OnNamespaceChanged);
    }

    public void AbortClientsIn(ulong cookie)
    {
        foreach (InnerConnections connections in _connections)
            connections.Loop.Post(() => connections.AbortClientsIn(cookie));
    }

    public Task<IReadOnlyList<ListenerSnapshot>> ListenersAsync() => Home.InvokeAsync(Socket.Listeners);

    public async Task UnbindAsync()
    {
        await Home.InvokeAsync(Socket.Release);
        // After the listener: who links anew finds the next inner half, or waits for it in the backlog.
        foreach (InnerConnections connections in _connections)
            await connections.Loop.InvokeAsync(connections.RetireForeign);
    }

    public Task<IEnumerable<ConnectionSnapshot>> SuspendAsync() => GatherAsync(connections => connections.Suspend());

    public Task<IEnumerable<ConnectionSnapshot>> ReleasePendingAsync() => GatherAsync(connections => connections.ReleasePending());

    private async Task<IEnumerable<ConnectionSnapshot>> GatherAsync(Func<InnerConnections, IEnumerable<ConnectionSnapshot>> give)
    {
        var carried = new List<ConnectionSnapshot>();
        foreach (InnerConnections connections in _connections)
            carried.AddRange(await connections.Loop.InvokeAsync(() => give(connections)));
        return carried;
    }

    public Task ResumeAsync(IReadOnlyList<ConnectionSnapshot> carried) => Task.WhenAll(
        // Evenly over the loops, which have nothing else to do yet.
        carried.Chunk((carried.Count + _connections.Length - 1) / _connections.Length).Zip(_connections, (some, connections) => connections.Loop.InvokeAsync(() =>
        {
            foreach (ConnectionSnapshot connection in some)
                connections.Resume(connection);
        })));

    public async Task AbortAsync()
    {
        foreach (InnerConnections connections in _connections)
            await connections.Loop.InvokeAsync(connections.Stop);
        await Home.InvokeAsync(Socket.Close);
    }
}
