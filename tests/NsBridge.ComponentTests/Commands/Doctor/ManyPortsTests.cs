using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.Bridges;
using NsBridge.Commands.Discover;
using NsBridge.Commands.Doctor;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Control;
using NsBridge.Fixtures;
using NsBridge.Linux;
using NsBridge.Namespaces;

namespace NsBridge.ComponentTests.Commands.Doctor;

/// <summary>Thousands of ports are checked in one pass over the sockets and one over the processes.</summary>
internal sealed class ManyPortsTests
{
    private const string Address = "127.91.7.1";
    private const int FirstUdp = 20_000, UdpPorts = 4_000, FirstTcp = 30_000, TcpPorts = 3_000, TcpBridges = 200;

    /// <summary>They took 280 s and more when the processes were searched for every socket. Alone it takes less than a second.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(6);

    private readonly List<Socket> _sockets = [];

    [OneTimeSetUp]
    public void Listen()
    {
        for (int i = 0; i < UdpPorts; i++)
            Bind(SocketType.Dgram, ProtocolType.Udp, FirstUdp + i);
        for (int i = 0; i < TcpPorts; i++)
            Bind(SocketType.Stream, ProtocolType.Tcp, FirstTcp + i).Listen();
    }

    [OneTimeTearDown]
    public void Close() => _sockets.ForEach(socket => socket.Dispose());

    [Test]
    public async Task Walk_OfThousandsOfPorts_FindsAllWellInSeconds()
    {
        var sockets = new SocketSnapshot();
        var bridges = new List<InspectedBridge> { Bridge("udp", FirstUdp, UdpPorts, sockets) };
        for (int i = 0; i < TcpBridges; i++)
            bridges.Add(Bridge("tcp", FirstTcp + (i * TcpPorts / TcpBridges), TcpPorts / TcpBridges, sockets));
        var clock = Stopwatch.StartNew();

        List<CheckResult>[] results = await OwnThread.RunAsync(() => bridges.Select(Checks.Walk).ToArray());

        Assert.That(clock.Elapsed, Is.LessThan(s_longest));
        foreach (List<CheckResult> result in results)
            Assert.That(result.Find(check => check.Name == "listener")?.State, Is.EqualTo(CheckState.Ok), result[^1].ToString());
        Assert.That(results[0].Find(check => check.Name == "target")?.Finding, Does.StartWith($"{UdpPorts} of the {UdpPorts} ports of").And.Contain($"(pid {Environment.ProcessId}"));
    }

    [Test]
    public async Task Discover_OfThousandsOfPorts_DraftsThemInSeconds()
    {
        var clock = Stopwatch.StartNew();

        List<BridgeDraft> drafts = await OwnThread.RunAsync(() =>
        {
            var sockets = new SocketSnapshot();
            NamespaceSockets here = sockets.In(NetworkNamespace.Own);
            var maker = new DraftMaker([], here.All);
            return FoundService.In("vpn", here, sockets).Where(service => service.Socket.Address!.Address.ToString() == Address && maker.BridgeTo(service) is null)
                .Select(maker.Draft).ToList();
        });

        Assert.That(clock.Elapsed, Is.LessThan(s_longest));
        Assert.That(drafts, Has.Count.EqualTo(UdpPorts + TcpPorts));
    }

    [Test]
    public async Task Probe_OfARangeWithFewListeners_SaysHowManyThereAre()
    {
        InspectedBridge bridge = Bridge("tcp", FirstTcp + TcpPorts - 3, 10, new SocketSnapshot());
        bridge.Network = NetworkNamespace.Own;

        CheckResult? result = await OwnThread.RunAsync(() => TargetCheck.Probe(bridge));

        Assert.That(result?.State, Is.EqualTo(CheckState.Ok));
        Assert.That(result?.Finding, Does.StartWith($"3 of the 10 ports of {Address}:{FirstTcp + TcpPorts - 3}-{FirstTcp + TcpPorts + 6} have a listener: "));
    }

    private static InspectedBridge Bridge(string protocol, int first, int count, SocketSnapshot sockets)
    {
        string range = string.Create(CultureInfo.InvariantCulture, $"{Address}:{first}-{first + count - 1}");
        string name = string.Create(CultureInfo.InvariantCulture, $"b{first}");
        DaemonSettings settings = LoadedText.Right($""" "Name":"{name}", "Protocol":"{protocol}", "Listen":"{range}", "Namespace":"host", "Target":"[::1]:{first}-{first + count - 1}" """);
        // No file may have it, since it would run in a circle: here the test is both the daemon and the service.
        Assert.That(TargetEndpoint.TryParse(range, out TargetEndpoint target, out string fault), fault);
        var bridge = new BridgeSettings(settings.Bridges[0].Values.With(BridgeKeys.Target, target));
        var here = new ResolvedNamespace(NamespaceReference.Host, NetworkNamespace.Own, null, "");
        var report = new BridgeReport
        {
            Name = name,
            State = BridgeState.Up,
            Protocol = bridge.Protocol,
            Listen = [range],
            NamespaceReference = "host",
            Target = range,
            Socket = bridge.Socket,
        };
        return new InspectedBridge(
            bridge, here, here, new DaemonAnswer(new StatusDocument("1", Environment.ProcessId, null, [BridgeStatus.Of(report)])), sockets, settings.RuntimeDirectory);
    }

    private Socket Bind(SocketType type, ProtocolType protocol, int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, type, protocol);
        _sockets.Add(socket);
        socket.Bind(new IPEndPoint(IPAddress.Parse(Address), port));
        return socket;
    }
}
