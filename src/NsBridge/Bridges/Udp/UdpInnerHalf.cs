using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Joining;
using NsBridge.Bridges.Listening;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Udp;

namespace NsBridge.Bridges.Udp;

/// <summary>The inner half of a UDP bridge: takes listeners over through its UNIX socket and has the flows of their clients. On the
/// bridge's home loop.</summary>
/// <remarks>The UNIX socket is a stream and passes no datagrams of local programs: any other connection is closed. Flows are not carried
/// over: a client's next datagram makes another one.</remarks>
internal sealed class UdpInnerHalf : IInnerHalf, IConnectionList, IJoinServer
{
    private readonly EventLoop _home;
    private readonly FlowConnector _connector;
    private readonly JoinSocket _socket;
    private readonly DescriptorBudget _descriptors;
    private readonly List<ListenerReceiver> _receivers = [];
    private bool _hasStarted;

    /// <exception cref="BridgeSetupException">The UNIX socket cannot be made.</exception>
    public UdpInnerHalf(
        IBridgeContext bridge,
        IClientAdmission clients,
        IConnectionEvents events,
        EventLoop home,
        NamespaceTracker place,
        DescriptorBudget descriptors,
        ListeningSockets listening)
    {
        _home = home;
        _descriptors = descriptors;
        _connector = new FlowConnector(bridge, clients, events, home, place, descriptors);
        _socket = new JoinSocket(this, bridge.Settings, listening, descriptors, home);
    }

    public SockAddr SocketAddress => _socket.Address;

    // A link takes no client's room.
    public bool HasRoom => true;

    public bool IsSocketInPlace => _socket.IsInPlace;

    public Task StartAsync() => _home.InvokeAsync(() =>
    {
        try
        {
            UdpListener.Prepare(_home);
        }
        catch (OutOfMemoryException)
        {
            throw new BridgeSetupException(
                ReasonCode.OutOfMemory,
                "there is no memory for datagrams on their way: 9 MiB of address space are refused; "
                + "is the process's limited (LimitAS=, ulimit -v)?");
        }
        _connector.Change();
        _socket.Start();
        _hasStarted = true;
        _descriptors.CountFlowBridges(1);
    });

    public Task MakeSocketAnewAsync() => _home.InvokeAsync(_socket.MakeAnew);

    public void Change() => _home.Post(_connector.Change);

    public void OnAccepted(int descriptor, JoinPeerName name)
    {
        Libc.PeerCredentials(descriptor, out int process, out uint user);
        if (name.Kind != JoinKind.Datagrams || !PeerUser.IsOwn(process, user))
        {
            Libc.Close(descriptor);
            return;
        }
        var receiver = new ListenerReceiver(this, _connector.Table, descriptor);
        _receivers.Add(receiver);
        receiver.Start();
    }

    public void Remove(ListenerReceiver receiver)
    {
        _receivers.Remove(receiver);
        receiver.Close();
    }

    public void OnNamespaceChanged() => _home.Post(_connector.OnNamespaceChanged);

    public Task<IReadOnlyList<ConnectionReport>> ConnectionsAsync() => _home.InvokeAsync(_connector.Connections);

    public Task<int> EndAsync(ConnectionFilter filter) => _home.InvokeAsync(() => _connector.End(filter));

    /// <inheritdoc/>
    /// <remarks>The flows end too: their answers leave by the listeners, and a flow has no end of its own to wait for.</remarks>
    public Task UnbindAsync() => _home.InvokeAsync(() =>
    {
        _socket.Release();
        foreach (ListenerReceiver receiver in _receivers)
            receiver.Close();
        _receivers.Clear();
    });

    public Task<IReadOnlyList<ListenerSnapshot>> ListenersAsync() => _home.InvokeAsync(_socket.Listeners);

    public Task AbortAsync() => _home.InvokeAsync(() =>
    {
        _connector.Stop();
        _socket.Close();
        if (_hasStarted)
            _descriptors.CountFlowBridges(-1);
        _hasStarted = false;
    });
}
