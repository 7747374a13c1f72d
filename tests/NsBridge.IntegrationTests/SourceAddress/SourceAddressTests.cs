using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.SourceAddress;

/// <summary>The target sees the client's own address, or no client. The clients have addresses in a namespace of their own.</summary>
internal sealed class SourceAddressTests : BridgeFixture
{
    private const int Port = 4000;
    private static readonly IPAddress s_v4 = IPAddress.Parse("198.51.100.7"), s_v6 = IPAddress.Parse("2001:db8:7::7");

    [TestCase("handoff")]
    [TestCase("relay")]
    [Promise("source-address.fails-closed")]
    public async Task Client_OfEitherFamily_IsSeenByTheTargetWithItsAddressAndPort(string join)
    {
        (TestNamespace inside, TestNamespace outside) = (await NamespaceAsync(), await ClientsAsync());
        await RouteBackAsync(inside);
        TargetServer server = Own(TargetServer.Start(inside.Listen(new IPEndPoint(IPAddress.IPv6Any, 0)), TellPeerAsync));
        string target = $"localhost:{((IPEndPoint)server.EndPoint).Port}", path = Scratch()["web.sock"];
        BridgeEntry web = Entry("web", inside, outside, target) with { Socket = path, Join = join };
        DaemonProcess daemon = await StartAsync(
            web,
            // An outer half of another bridge counts as another process's.
            web with { Name = "outer", Listen = $"*:{Port + 1}", Namespace = null, Target = null, Join = "relay" },
            web with { Name = "other", Listen = $"*:{Port + 2}", Namespace = null, Target = null, Join = "relay", SourceAddress = null });
        foreach (int port in new[] { Port, Port + 1, Port + 2 })
            await ListensAsync(daemon, outside, port);

        foreach (IPAddress client in new[] { s_v4, s_v6 })
        {
            using Socket first = await ConnectAsync(outside, new IPEndPoint(client, 0), Port);
            var source = (IPEndPoint)first.LocalEndPoint!;
            Assert.That(await ReadAsync(first), Is.EqualTo(source.ToString()));
            // While the target has that connection, another one of the same client's port gets another port.
            using Socket second = await ConnectAsync(outside, source, Port + 1);
            var seen = IPEndPoint.Parse(await ReadAsync(second));
            Assert.That((seen.Address, seen.Port == source.Port), Is.EqualTo((client, false)));
            await IsResetAsync(outside, client, Port + 2);
        }
        using Socket local = await TestClient.UnixAsync(path);
        Assert.That(await ReadAsync(local), Does.StartWith("127.0.0.1:"));
    }

    [Test]
    public async Task Flow_ToAServiceOnLoopback_HasTheClientsAddressAndBringsTheAnswerBack()
    {
        (TestNamespace inside, TestNamespace outside) = (await NamespaceAsync(), await ClientsAsync());
        await RouteBackAsync(inside);
        using Socket datagrams = inside.BindUdp(new IPEndPoint(IPAddress.Loopback, 0));
        using Socket everywhere = inside.BindUdp(new IPEndPoint(IPAddress.Any, 0));
        BridgeEntry entry = Entry("udp", inside, outside, datagrams.LocalEndPoint!.ToString()!) with
        {
            Protocol = "udp",
            IdleTimeout = TimeSpan.FromSeconds(1),
        };
        DaemonProcess daemon = await StartAsync(
            entry, entry with { Name = "wide", Listen = Port + 1, Target = $"127.0.0.1:{((IPEndPoint)everywhere.LocalEndPoint!).Port}" });
        await daemon.WaitLogAsync("Bridge udp is up");

        using Socket speaker = outside.BindUdp(new IPEndPoint(s_v4, 0));
        await speaker.SendToAsync("hello"u8.ToArray(), new IPEndPoint(IPAddress.Loopback, Port));
        using var deadline = new CancellationTokenSource(Soon);
        SocketReceiveFromResult heard = await datagrams.ReceiveFromAsync(new byte[9], new IPEndPoint(IPAddress.Any, 0), deadline.Token);
        Assert.That(heard.RemoteEndPoint, Is.EqualTo(speaker.LocalEndPoint));
        await datagrams.SendToAsync("answer"u8.ToArray(), heard.RemoteEndPoint);
        Assert.That(await speaker.ReceiveAsync(new byte[9], deadline.Token), Is.EqualTo("answer".Length));
        Assert.That((await daemon.AskAsync("doctor", "wide")).Output, Does.Contain("bound to every address"));
    }

    [Test]
    [Promise("source-address.fails-closed")]
    public async Task WayBack_MissingOrGone_NoClientIsConnectedAndNothingLeavesByTheTunnel()
    {
        (TestNamespace inside, TestNamespace outside) = (await NamespaceAsync(), await ClientsAsync());
        await TunnelAsync(inside, outside);
        TargetServer server = Target(inside, Serve.Echo);
        DaemonProcess daemon = await StartAsync(Entry("web", inside, outside, server.EndPoint.ToString()!));
        await FailsAsync(daemon, "ip rule add from 127.0.0.0/8 iif lo table 123", "ip route add local 0.0.0.0/0 dev lo table 123");
        await ListensAsync(daemon, outside);
        await IsResetAsync(outside, s_v4, Port);
        Assert.That(server.Accepted, Is.Zero);
        CommandResult doctor = await daemon.AskAsync("doctor");
        Assert.That(doctor.Output, Does.Contain($"ip -n {inside.Name} rule add from 127.0.0.0/8 iif lo table 123"));

        await RouteBackAsync(inside);
        await daemon.WaitLogAsync("Bridge web is up");
        using Socket client = await ConnectAsync(outside, new IPEndPoint(s_v4, 0), Port);
        await client.EchoAsync(Pattern.Take(100));
        await inside.IpAsync("route", "flush", "table", "123");
        await client.SendAllAsync(Pattern.Take(100));
        await FailsAsync(daemon, "table 123");
        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Reset), "its answers are lost");
        await IsResetAsync(outside, s_v4, Port);
        Assert.That(server.Accepted, Is.EqualTo(1));
        Assert.That(await PacketsAsync(outside), Is.Zero);

        await server.DisposeAsync();
        await inside.DeleteAsync();
        await inside.AddAsync();
        TargetServer next = Target(inside, Serve.Echo, ((IPEndPoint)server.EndPoint).Port);
        await FailsAsync(daemon, "table 123");
        await IsResetAsync(outside, s_v4, Port);
        Assert.That(next.Accepted, Is.Zero);
    }

    [Test]
    public async Task Capability_Missing_FailsWithTheDropIn()
    {
        (TestNamespace inside, TestNamespace outside) = (await NamespaceAsync(), await ClientsAsync());
        await RouteBackAsync(inside);
        DaemonProcess daemon = await StartAsync(
            new DaemonConfig(Entry("web", inside, outside, "127.0.0.1:80")),
            new DaemonLaunch { Within = ["setpriv", "--bounding-set=-net_raw,-net_admin"] });

        await FailsAsync(daemon, "CAP_NET_RAW", "client-address.conf");
    }

    private static BridgeEntry Entry(string name, TestNamespace inside, TestNamespace outside, string target) => new(name)
    {
        Listen = $"*:{Port}",
        ListenNamespace = outside.Name,
        Namespace = inside.Name,
        Target = target,
        SourceAddress = "client",
    };

    /// <summary>A namespace with the clients' addresses.</summary>
    private async Task<TestNamespace> ClientsAsync()
    {
        TestNamespace space = await NamespaceAsync();
        await space.IpAsync("address", "add", s_v4.ToString(), "dev", "lo");
        await space.IpAsync("address", "add", s_v6.ToString(), "dev", "lo");
        return space;
    }

    private static async Task RouteBackAsync(TestNamespace space)
    {
        await space.IpAsync("rule", "add", "from", "127.0.0.0/8", "iif", "lo", "table", "123");
        await space.IpAsync("route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "123");
        await space.IpAsync("-6", "rule", "add", "from", "::1", "iif", "lo", "table", "123");
        await space.IpAsync("-6", "route", "add", "local", "::/0", "dev", "lo", "table", "123");
    }

    /// <summary>A default route into a pair whose other end counts: no address resolution, no IPv6, so that nothing but a packet of a
    /// connection is counted.</summary>
    private static async Task TunnelAsync(TestNamespace inside, TestNamespace outside)
    {
        await inside.IpAsync("link", "add", "tun0", "arp", "off", "type", "veth", "peer", "name", "end0", "netns", outside.Name);
        await inside.RunAsync("sysctl", "-qw", "net.ipv6.conf.tun0.disable_ipv6=1");
        await outside.RunAsync("sysctl", "-qw", "net.ipv6.conf.end0.disable_ipv6=1");
        await inside.IpAsync("address", "add", "10.99.0.1/30", "dev", "tun0");
        await inside.IpAsync("link", "set", "tun0", "up");
        await outside.IpAsync("link", "set", "end0", "up");
        await inside.IpAsync("route", "add", "default", "dev", "tun0");
        Assert.That(await PacketsAsync(outside), Is.Zero);
    }

    private static async Task<long> PacketsAsync(TestNamespace outside)
    {
        using var links = JsonDocument.Parse(await outside.IpAsync("-s", "-j", "link", "show", "end0"));
        return links.RootElement[0].GetProperty("stats64").GetProperty("rx").GetProperty("packets").GetInt64();
    }

    private static async Task TellPeerAsync(Socket connection, CancellationToken cancel)
    {
        var peer = (IPEndPoint)connection.RemoteEndPoint!;
        IPAddress address = peer.Address.IsIPv4MappedToIPv6 ? peer.Address.MapToIPv4() : peer.Address;
        await connection.SendAsync(Encoding.ASCII.GetBytes(new IPEndPoint(address, peer.Port).ToString()), cancel);
    }

    private static async Task<string> ReadAsync(Socket socket)
    {
        using var stream = new StreamReader(new NetworkStream(socket));
        return await stream.ReadToEndAsync().WaitAsync(Soon);
    }

    private static async Task<Socket> ConnectAsync(TestNamespace outside, IPEndPoint from, int port)
    {
        Socket socket = outside.OpenSocket(from.AddressFamily);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(from);
        IPAddress to = from.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback;
        await socket.ConnectAsync(new IPEndPoint(to, port)).WaitAsync(Soon);
        return socket;
    }

    private static async Task ListensAsync(DaemonProcess daemon, TestNamespace outside, int port = Port)
    {
        await Eventually.TrueAsync(
            async () => (await outside.RunAsync("ss", "-Hltn", $"sport = :{port}")).Length > 0, Soon, () => daemon.LogText());
    }

    private static async Task IsResetAsync(TestNamespace outside, IPAddress from, int port)
    {
        try
        {
            using Socket client = await ConnectAsync(outside, new IPEndPoint(from, 0), port);
            Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Reset));
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
        {
            // Before connect(2) has returned.
        }
    }

    private static Task FailsAsync(DaemonProcess daemon, params string[] pieces) => daemon.WaitStatusAsync(
        bridge => bridge.GetProperty("state").GetString() == "failed"
            && Array.TrueForAll(pieces, bridge.GetProperty("reason").GetString()!.Contains),
        string.Join(", ", pieces));
}
