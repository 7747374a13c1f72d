using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Timeouts;

/// <summary>Clients that come while the namespace or its service is still starting see a slow answer, not an error.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class ParkingTests : BridgeFixture
{
    private const int Port = 3000;
    private static readonly byte[] s_hello = Pattern.Take(1000);

    [TestCase("handoff", Door.Tcp)]
    [TestCase("handoff", Door.Unix)]
    [TestCase("relay", Door.Tcp)]
    public async Task TargetWait_NamespaceAppearsMeanwhile_ClientsAreServed(string join, Door door)
    {
        TestNamespace space = await ReserveNamespaceAsync();
        (DaemonProcess? daemon, IPEndPoint? listen) = await StartAsync(space, TimeSpan.FromSeconds(60), join);
        var clients = new List<Socket>();
        for (int client = 0; client < 20; client++)
            clients.Add(Own(door == Door.Tcp ? await TestClient.TcpAsync(listen) : await TestClient.UnixAsync(daemon.SocketPath("web"))));
        var echoes = Task.WhenAll(clients.Select(client => client.EchoAsync(s_hello)));

        await space.AddAsync();
        TargetServer server = Target(space, Serve.Echo, Port);
        var clock = Stopwatch.StartNew();
        await echoes;

        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)));
        Assert.That(server.Accepted, Is.EqualTo(clients.Count));
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task TargetWait_ServiceStartsMeanwhile_ClientsAreServedInOrderOfArrival(string join)
    {
        TestNamespace space = await NamespaceAsync();
        (DaemonProcess _, IPEndPoint? listen) = await StartAsync(space, TimeSpan.FromSeconds(60), join);
        var clients = new List<Socket>();
        for (byte client = 0; client < 10; client++)
        {
            clients.Add(Own(await TestClient.TcpAsync(listen)));
            await clients[^1].SendAllAsync(new[] { client });
        }

        using Socket listener = space.Listen(new IPEndPoint(IPAddress.Loopback, Port));
        var order = new List<byte>();
        foreach (Socket _ in clients)
        {
            using Socket connection = await listener.AcceptAsync().WaitAsync(Soon);
            order.Add((await connection.ReceiveExactlyAsync(1).WaitAsync(Soon))[0]);
        }
        Assert.That(order, Is.Ordered);
    }

    [Test]
    public async Task TargetWait_ClientHangsUpMeanwhile_IsForgotten()
    {
        TestNamespace space = await ReserveNamespaceAsync();
        (DaemonProcess? daemon, IPEndPoint? listen) = await StartAsync(space, TimeSpan.FromSeconds(60), "handoff");
        for (int client = 0; client < 50; client++)
        {
            Socket socket = await TestClient.TcpAsync(listen);
            if (client % 2 == 0)
                socket.Reset();
            else
                socket.Dispose();
        }
        Socket staying = Own(await TestClient.TcpAsync(listen));
        await daemon.CheckQuietAsync();

        await space.AddAsync();
        TargetServer server = Target(space, Serve.Echo, Port);
        await staying.EchoAsync(s_hello);

        Assert.That(server.Accepted, Is.LessThanOrEqualTo(2), "nothing is dialled for those who left");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task TargetWait_NothingAppears_ClientIsResetAfterIt(string join)
    {
        TestNamespace space = await ReserveNamespaceAsync();
        (DaemonProcess _, IPEndPoint? listen) = await StartAsync(space, TimeSpan.FromSeconds(2), join);

        var clock = Stopwatch.StartNew();
        Ending ending = await TestClient.EndingAsync(listen);

        Assert.That(ending, Is.EqualTo(Ending.Reset));
        Assert.That(clock.Elapsed, Is.InRange(TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(6)));
    }

    [TestCase("127.0.0.1")]
    [TestCase("::1")]
    public async Task Reload_OfTheTarget_ParkedClientsAndNewOnesAreServedByIt(string address)
    {
        TestNamespace space = await NamespaceAsync();
        (DaemonProcess? daemon, IPEndPoint? listen) = await StartAsync(space, TimeSpan.FromSeconds(60), "handoff");
        Socket parked = Own(await TestClient.TcpAsync(listen));
        await parked.SendAllAsync(s_hello);
        await daemon.WaitStatusAsync(bridge => Active(bridge) == 1, "the client is parked");
        TargetServer moved = Own(TargetServer.Start(space.Listen(new IPEndPoint(IPAddress.Parse(address), 0)), Serve.Echo));

        daemon.Rewrite(new DaemonConfig(Entry(space, listen, TimeSpan.FromSeconds(50)) with { Target = moved.EndPoint.ToString() }));
        await daemon.SignalAsync("HUP");
        Socket coming = Own(await TestClient.TcpAsync(listen));

        Assert.That(await parked.ReceiveExactlyAsync(s_hello.Length).WaitAsync(Soon), Is.EqualTo(s_hello));
        await coming.EchoAsync(s_hello).WaitAsync(Soon);
    }

    [Test]
    public async Task Reload_ThatGrantsNoMoreWait_ReleasesParkedClients()
    {
        TestNamespace space = await NamespaceAsync();
        (DaemonProcess? daemon, IPEndPoint? listen) = await StartAsync(space, TimeSpan.FromSeconds(60), "handoff");
        Socket parked = Own(await TestClient.TcpAsync(listen));
        await daemon.WaitStatusAsync(bridge => Active(bridge) == 1, "the client is parked");

        daemon.Rewrite(new DaemonConfig(Entry(space, listen, TimeSpan.Zero)));
        await daemon.SignalAsync("HUP");

        Assert.That(await parked.EndingAsync(Soon), Is.EqualTo(Ending.Reset));
    }

    [Test]
    public async Task TargetWait_AttemptsOlderThanTheTarget_HoldNobodyUpOnceItIsThere()
    {
        (TestNamespace? near, TestNamespace? far) = (await ReserveNamespaceAsync(), await NamespaceAsync());
        IPEndPoint listen = FreeEndPoint();
        TargetServer server = Own(TargetServer.Start(far.Listen(new IPEndPoint(IPAddress.Any, Port)), Serve.Echo));
        await far.IpAsync("address", "add", "10.254.12.2/32", "dev", "lo");
        await StartAsync(Entry(near, listen, TimeSpan.FromSeconds(60)) with
        {
            Target = $"10.254.12.2:{Port}",
            ConnectTimeout = TimeSpan.FromSeconds(60)
        });
        using (Socket vanished = await TestClient.TcpAsync(listen))
            await vanished.SendAllAsync(s_hello);
        Socket staying = Own(await TestClient.TcpAsync(listen));
        Task echo = staying.EchoAsync(s_hello);

        // The far side gets what is sent, and has no way back.
        await near.AddAsync();
        await near.RunAsync("sysctl", "-q", "-w", "net.ipv4.tcp_syn_linear_timeouts=0");
        await near.LinkToAsync(far, "10.254.10.1/29", "10.254.10.2/29");
        await near.IpAsync("address", "add", "10.254.11.1/32", "dev", "lo");
        await near.IpAsync("route", "add", "10.254.12.2/32", "via", "10.254.10.2", "src", "10.254.11.1");
        // The kernel asks again after 1, 3 and 7 seconds: the next time would be too late.
        await Task.Delay(TimeSpan.FromSeconds(3.5));
        var clock = Stopwatch.StartNew();
        await far.IpAsync("route", "add", "10.254.11.1/32", "via", "10.254.10.1");
        await Own(await TestClient.TcpAsync(listen)).EchoAsync(s_hello);
        await echo;

        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(3)));
        await Eventually.TrueAsync(() => server.Accepted == 3, Soon, "whoever sent something is connected in the end");
    }

    [Test]
    public async Task TargetWait_NamespaceGoesDuringTheFirstAttempt_ClientIsServedByTheNextOne()
    {
        (TestNamespace? near, TestNamespace? far) = (await NamespaceAsync(), await NamespaceAsync());
        string farLink = await near.LinkToAsync(far, "10.254.14.1/29", "10.254.14.2/29");
        IPEndPoint listen = FreeEndPoint();
        // No host has this address, but a neighbour entry exists: the attempt lasts as long as the kernel's probes.
        await near.IpAsync("neighbour", "add", "10.254.14.3", "lladdr", "02:00:00:00:00:03", "dev", $"{farLink[..^1]}a", "nud",
            "permanent");
        DaemonProcess daemon = await StartAsync(
            Entry(near, listen, TimeSpan.FromSeconds(60)) with
            {
                Target = $"10.254.14.3:{Port}",
                ConnectTimeout = TimeSpan.FromSeconds(60)
            });
        Socket client = Own(await TestClient.TcpAsync(listen));
        Task echo = client.EchoAsync(s_hello);
        await daemon.WaitStatusAsync(bridge => Active(bridge) == 1, "the client is on his way");

        await near.DeleteAsync();
        await Eventually.TrueAsync(async () => !await far.HasLinkAsync(farLink), Soon,
            $"the deleted namespace is freed\n{daemon.LogText()}");
        await near.AddAsync();
        await near.IpAsync("address", "add", "10.254.14.3/32", "dev", "lo");
        Own(TargetServer.Start(near.Listen(new IPEndPoint(IPAddress.Any, Port)), Serve.Echo));

        await echo.WaitAsync(Soon);
    }

    private static long Active(JsonElement bridge) => bridge.GetProperty("connections").GetProperty("active").GetInt64();

    private static BridgeEntry Entry(TestNamespace space, IPEndPoint listen, TimeSpan wait) =>
        new("web")
        {
            Listen = listen.ToString(),
            Namespace = space.Name,
            Target = $"127.0.0.1:{Port}",
            TargetWait = wait,
            Join = "handoff"
        };

    private async Task<(DaemonProcess Daemon, IPEndPoint Listen)> StartAsync(TestNamespace space, TimeSpan wait, string join)
    {
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(Entry(space, listen, wait) with { Join = join });
        return (daemon, listen);
    }
}
