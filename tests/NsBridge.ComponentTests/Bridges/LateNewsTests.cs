using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.Bridges;
using NsBridge.Bridges.Lifecycle;
using NsBridge.Bridges.Udp;
using NsBridge.ComponentTests.Hosting;
using NsBridge.Configuration.Values;
using NsBridge.Fixtures;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.Udp;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>A bridge hears that its namespace has gone when it is in the next one already: the watch tells many bridges one after the other.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class LateNewsTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    private readonly ScratchDirectory _scratch = new();
    private readonly ActivationSockets _sockets = ActivationSockets.Adopt([]);
    private readonly Path _path = new();
    private readonly BridgeParts _parts;
    private readonly NamespaceTracker _place;

    public LateNewsTests()
    {
        _parts = new BridgeParts(_sockets);
        _place = new NamespaceTracker(NamespaceReference.Host, _path);
        _place.ProbeAgain();
        _path.Network = NetworkNamespace.Own;
    }

    [Test]
    public async Task Connection_IntoTheNamespaceThatIsThere_GoesOn()
    {
        using Socket target = FleetScene.Listener();
        using Bridge bridge = Make("tcp", target);
        IInnerHalf inner = _parts.Halves.MakeInner(bridge, bridge.Clients, _parts.Loop, _place);
        await inner.StartAsync();
        using Socket client = await TestClient.UnixAsync(bridge.Settings.Socket);
        using Socket served = await target.AcceptAsync().WaitAsync(s_soon);

        inner.OnNamespaceChanged();
        await client.SendAllAsync("ping"u8.ToArray());
        Assert.That(await served.ReceiveExactlyAsync(4), Is.EqualTo("ping"u8.ToArray()));

        _path.Network = null;
        inner.OnNamespaceChanged();
        Assert.That(await served.EndingAsync(s_soon), Is.EqualTo(Ending.Reset), "it has gone indeed");
        await inner.UnbindAsync();
        await inner.AbortAsync();
    }

    [Test]
    public async Task Flow_IntoTheNamespaceThatIsThere_GoesOn()
    {
        using Socket target = Datagrams();
        using Socket client = Datagrams();
        using Bridge bridge = Make("udp", target);
        var connector = new FlowConnector(bridge, bridge.Clients, bridge.Clients, _parts.Loop, _place, _parts.Descriptors);
        using Socket listening = Datagrams();
        UdpListener listener = await _parts.Loop.InvokeAsync(() =>
        {
            connector.Change();
            var listener = new UdpListener(connector.Table, Libc.Duplicate((int)listening.Handle), 0, isSix: false);
            listener.Start();
            return listener;
        });
        EndPoint first = await ArriveAsync();

        await FollowAsync();
        Assert.That(await ArriveAsync(), Is.EqualTo(first), "it is the same flow");

        _path.Network = null;
        await FollowAsync();
        Assert.That(bridge.Counters.Active, Is.Zero, "it has gone indeed");
        await _parts.Loop.InvokeAsync(() =>
        {
            listener.Stop();
            connector.Stop();
        });

        Task FollowAsync() => _parts.Loop.InvokeAsync(connector.OnNamespaceChanged);

        async Task<EndPoint> ArriveAsync()
        {
            await client.SendToAsync(new byte[1], listening.LocalEndPoint!);
            return (await target.ReceiveFromAsync(new byte[1], new IPEndPoint(IPAddress.Any, 0)).WaitAsync(s_soon)).RemoteEndPoint;
        }
    }

    private Bridge Make(string protocol, Socket target) => _parts.Factory.Create(
        LoadedText.Right(string.Create(CultureInfo.InvariantCulture,
            $""" "Name":"web", "Protocol":"{protocol}", "Listen":"127.0.0.1:3003", "Socket":"{_scratch["web.sock"]}", "Namespace":"host", "Target":"{target.LocalEndPoint}" """)).Bridges[0]);

    private static Socket Datagrams()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    public void Dispose()
    {
        _parts.Dispose();
        _sockets.Dispose();
        _scratch.Dispose();
    }

    private sealed class Path : INamespaceResolver
    {
        public NetworkNamespace? Network { get; set; }

        public NetworkNamespace? Resolve(out NamespaceState absent)
        {
            absent = new NamespaceState(0, "nothing is there", false);
            return Network;
        }
    }
}
