using NsBridge.Bridges.Joining;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Udp;

namespace NsBridge.Bridges.Udp;

/// <summary>
/// The inner half of a UDP bridge: takes listeners over by its UNIX socket and has the flows of their clients. All of it lives on the bridge's home loop.
/// </summary>
/// <remarks>The UNIX socket is a stream, so it is no door for local programs' datagrams: whoever else connects is closed.</remarks>
internal sealed class UdpInnerHalf : IInnerHalf, IJoinServer
{
    private readonly EventLoop _home;
    private readonly FlowConnector _connector;
    private readonly List<ListenerReceiver> _receivers = [];

    /// <exception cref="BridgeSetupException">The UNIX socket cannot be had.</exception>
    public UdpInnerHalf(Bridge bridge, LoopGroup engine, EventLoop home, NamespaceTracker place)
    {
        _home = home;
        _connector = new FlowConnector(bridge, home, place, engine.Descriptors);
        Socket = new JoinSocket(this, bridge.Settings, engine, home, hasRoomAlready: false);
    }

    public JoinSocket Socket { get; }

    public Task StartAsync() => _home.InvokeAsync(() =>
    {
        try
        {
            UdpListener.Prepare(_home);
        }
        catch (OutOfMemoryException)
        {
            throw new BridgeSetupException(
                ReasonCode.OutOfMemory, "there is no memory for datagrams on their way: 9 MiB of address space are refused; is the process's limited (LimitAS=, ulimit -v)?");
        }
        _connector.Start();
        Socket.Start();
    });

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

    /// <summary>Nothing is left of them: the outer half ended the link by which their listeners came, and flows end with their listeners.</summary>
    public void AbortClientsIn(ulong cookie)
    {
    }

    public void OnNamespaceChanged() => _home.Post(_connector.OnNamespaceChanged);

    /// <summary>
    /// Ends listening, and the flows with it: their answers leave by the listeners, and a flow has no end of its own that could be waited for.
    /// </summary>
    public Task UnbindAsync() => _home.InvokeAsync(() =>
    {
        Socket.Release();
        foreach (ListenerReceiver receiver in _receivers)
            receiver.Close();
        _receivers.Clear();
    });

    public Task<IReadOnlyList<ListenerSnapshot>> ListenersAsync() => _home.InvokeAsync(Socket.Listeners);

    /// <summary>A flow is a target's socket that any client's next datagram makes anew: flows are not carried.</summary>
    public Task<IEnumerable<ConnectionSnapshot>> SuspendAsync() => Task.FromResult<IEnumerable<ConnectionSnapshot>>([]);

    public Task<IEnumerable<ConnectionSnapshot>> ReleasePendingAsync() => Task.FromResult<IEnumerable<ConnectionSnapshot>>([]);

    public Task ResumeAsync(IReadOnlyList<ConnectionSnapshot> carried) => throw new NotSupportedException("A UDP bridge carries no connections");

    public Task AbortAsync() => _home.InvokeAsync(() =>
    {
        _connector.Stop();
        Socket.Close();
    });
}
