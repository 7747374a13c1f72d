using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Places;

/// <summary>Targets that are UNIX sockets: by path, which every namespace sees, and abstract ones, which live in their namespace alone.</summary>
internal sealed class UnixTargetTests : BridgeFixture
{
    [Test]
    public async Task Target_AbstractSocket_IsTheNamespacesOwn()
    {
        var name = $"nsb-{Guid.NewGuid():N}";
        var space = await NamespaceAsync();
        Own(TargetServer.Start(space.Listen(new UnixDomainSocketEndPoint($"\0{name}")), Serve.Greeting("inside")));
        // The same name on the host is another socket.
        var decoy = Own(TargetServer.Start(OnHost($"\0{name}"), Serve.Greeting("host")));
        var listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("web") { Listen = listen.ToString(), Namespace = space.Name, Target = $"unix:@{name}" });

        var client = Own(await TestClient.TcpAsync(listen));

        Assert.That(await client.ReceiveExactlyAsync(6), Is.EqualTo("inside"u8.ToArray()));
        Assert.That(decoy.Accepted, Is.Zero);
    }

    [Test]
    public async Task Target_AbstractSocketOfTheHostAlone_IsNotReached()
    {
        var name = $"nsb-{Guid.NewGuid():N}";
        var space = await NamespaceAsync();
        var decoy = Own(TargetServer.Start(OnHost($"\0{name}"), Serve.Echo));
        var listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("web") { Listen = listen.ToString(), Namespace = space.Name, Target = $"unix:@{name}" });

        Assert.That(await EchoesAsync(listen), Is.False);
        Assert.That(decoy.Accepted, Is.Zero);
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Target_SocketByPath_IsServed(string join)
    {
        var path = Scratch()["target.sock"];
        var space = await NamespaceAsync();
        Own(TargetServer.Start(OnHost(path), Serve.Echo));
        var listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("web") { Listen = listen.ToString(), Namespace = space.Name, Target = $"unix:{path}", Join = join });

        var client = Own(await TestClient.TcpAsync(listen));
        await client.EchoAsync(Pattern.Take(100_000));
        client.Shutdown(SocketShutdown.Send);
        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Closed));
    }

    [Test]
    public async Task Target_BusyWithAFullBacklog_ClientsWaitAndAreServed()
    {
        var path = Scratch()["busy.sock"];
        var space = await NamespaceAsync();
        var busy = Own(OnHost(path, backlog: 1));
        var listen = FreeEndPoint();
        var daemon = await StartAsync(new BridgeEntry("web") { Listen = listen.ToString(), Namespace = space.Name, Target = $"unix:{path}", ConnectTimeout = TimeSpan.FromSeconds(60) });
        var clients = new List<Socket>();
        for (var client = 0; client < 12; client++)
            clients.Add(Own(await TestClient.TcpAsync(listen)));
        var echoes = Task.WhenAll(clients.Select(client => client.EchoAsync(Pattern.Take(1000))));
        await daemon.WaitStatusAsync(bridge => bridge.GetProperty("connections").GetProperty("total").GetInt64() == clients.Count, "all have come");

        Own(TargetServer.Start(busy, Serve.Echo));

        await echoes.WaitAsync(Soon);
    }

    [Test]
    public async Task Target_BusyForLongerThanConnectTimeout_ClientIsResetAfterIt()
    {
        var path = Scratch()["busy.sock"];
        var space = await NamespaceAsync();
        Own(OnHost(path, backlog: 0));
        var listen = FreeEndPoint();
        var daemon = await StartAsync(new BridgeEntry("web") { Listen = listen.ToString(), Namespace = space.Name, Target = $"unix:{path}", ConnectTimeout = TimeSpan.FromSeconds(2) });
        Own(await TestClient.TcpAsync(listen));
        await daemon.WaitStatusAsync(bridge => bridge.GetProperty("connections").GetProperty("active").GetInt64() == 1, "the backlog is full");

        var clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.That(await TestClient.EndingAsync(listen), Is.EqualTo(Ending.Reset));

        Assert.That(clock.Elapsed, Is.InRange(TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(6)));
        await daemon.WaitLogAsync("its backlog is full");
    }

    [Test]
    public async Task OuterHalf_BeforeAnyUnixServer_OffersItOnTcp()
    {
        var path = Scratch()["any.sock"];
        Own(TargetServer.Start(OnHost(path), Serve.Echo));
        var listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("outer") { Listen = listen.ToString(), Socket = path });

        await Own(await TestClient.TcpAsync(listen)).EchoAsync(Pattern.Take(100_000));
    }

    [Test]
    public async Task OuterHalf_HandoffToAServerThatIsNoBridge_TellsToRelay()
    {
        var path = Scratch()["any.sock"];
        Own(TargetServer.Start(OnHost(path), Serve.Greeting("not what an inner half says")));
        var listen = FreeEndPoint();
        var daemon = await StartAsync(new BridgeEntry("outer") { Listen = listen.ToString(), Socket = path, Join = "handoff" });

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
