using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.UnixSocket;

/// <summary>
/// Targets that are UNIX sockets: by path, which every namespace sees, and abstract ones, which live in their namespace alone.
/// </summary>
[Parallelizable(ParallelScope.All)]
internal sealed class UnixTargetTests : BridgeFixture
{
    [Test]
    public async Task Target_AbstractSocket_IsTheNamespacesOwn()
    {
        string name = $"nsb-{Guid.NewGuid():N}";
        TestNamespace space = await NamespaceAsync();
        Own(TargetServer.Start(space.Listen(new UnixDomainSocketEndPoint($"\0{name}")), Serve.Greeting("inside")));
        // The same name on the host is another socket.
        TargetServer decoy = Own(TargetServer.Start(OnHost($"\0{name}"), Serve.Greeting("host")));
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("web") { Listen = listen.ToString(), Namespace = space.Name, Target = $"unix:@{name}" });

        Socket client = Own(await TestClient.TcpAsync(listen));

        Assert.That(await client.ReceiveExactlyAsync(6), Is.EqualTo("inside"u8.ToArray()));
        Assert.That(decoy.Accepted, Is.Zero);
    }

    [Test]
    public async Task Target_AbstractSocketOfTheHostAlone_IsNotReached()
    {
        string name = $"nsb-{Guid.NewGuid():N}";
        TestNamespace space = await NamespaceAsync();
        TargetServer decoy = Own(TargetServer.Start(OnHost($"\0{name}"), Serve.Echo));
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("web") { Listen = listen.ToString(), Namespace = space.Name, Target = $"unix:@{name}" });

        Assert.That(await EchoesAsync(listen), Is.False);
        Assert.That(decoy.Accepted, Is.Zero);
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Target_SocketByPath_IsServed(string join)
    {
        string path = Scratch()["target.sock"];
        TestNamespace space = await NamespaceAsync();
        Own(TargetServer.Start(OnHost(path), Serve.Echo));
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("web")
        {
            Listen = listen.ToString(),
            Namespace = space.Name,
            Target = $"unix:{path}",
            Join = join
        });

        Socket client = Own(await TestClient.TcpAsync(listen));
        await client.EchoAsync(Pattern.Take(100_000));
        client.Shutdown(SocketShutdown.Send);
        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Closed));
    }

    [Test]
    public async Task Target_BusyWithAFullBacklog_ClientsWaitAndAreServed()
    {
        string path = Scratch()["busy.sock"];
        TestNamespace space = await NamespaceAsync();
        Socket busy = Own(OnHost(path, backlog: 1));
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(
            new BridgeEntry("web")
            {
                Listen = listen.ToString(),
                Namespace = space.Name,
                Target = $"unix:{path}",
                ConnectTimeout = TimeSpan.FromSeconds(60)
            });
        var clients = new List<Socket>();
        for (int client = 0; client < 12; client++)
            clients.Add(Own(await TestClient.TcpAsync(listen)));
        var echoes = Task.WhenAll(clients.Select(client => client.EchoAsync(Pattern.Take(1000))));
        await daemon.WaitStatusAsync(bridge => bridge.GetProperty("connections").GetProperty("total").GetInt64() == clients.Count,
            "all have come");

        Own(TargetServer.Start(busy, Serve.Echo));

        await echoes.WaitAsync(Soon);
    }

    [Test]
    public async Task Target_BusyForLongerThanConnectTimeout_ClientIsResetAfterIt()
    {
        string path = Scratch()["busy.sock"];
        TestNamespace space = await NamespaceAsync();
        Own(OnHost(path, backlog: 0));
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(
            new BridgeEntry("web")
            {
                Listen = listen.ToString(),
                Namespace = space.Name,
                Target = $"unix:{path}",
                ConnectTimeout = TimeSpan.FromSeconds(2)
            });
        Own(await TestClient.TcpAsync(listen));
        await daemon.WaitStatusAsync(bridge => bridge.GetProperty("connections").GetProperty("active").GetInt64() == 1,
            "the backlog is full");

        var clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.That(await TestClient.EndingAsync(listen), Is.EqualTo(Ending.Reset));

        Assert.That(clock.Elapsed, Is.InRange(TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(6)));
        await daemon.WaitLogAsync("its backlog is full");
    }

    [Test]
    public async Task OuterHalf_BeforeAnyUnixServer_OffersItOnTcp()
    {
        string path = Scratch()["any.sock"];
        Own(TargetServer.Start(OnHost(path), Serve.Echo));
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("outer") { Listen = listen.ToString(), Socket = path });

        await Own(await TestClient.TcpAsync(listen)).EchoAsync(Pattern.Take(100_000));
    }

    [Test]
    public async Task OuterHalf_HandoffToAServerThatIsNoBridge_TellsToRelay()
    {
        string path = Scratch()["any.sock"];
        Own(TargetServer.Start(OnHost(path), Serve.Greeting("not what an inner half says")));
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(new BridgeEntry("outer") { Listen = listen.ToString(), Socket = path, Join = "handoff" });

        await daemon.WaitLogAsync("\"Join\": \"relay\"");
        Assert.That(await EchoesAsync(listen), Is.False);
    }

    private static Socket OnHost(string name, int backlog = int.MaxValue)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(name));
        listener.Listen(backlog);
        return listener;
    }
}
