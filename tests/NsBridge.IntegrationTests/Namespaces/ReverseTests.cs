using System.Net;
using System.Net.Sockets;
using NsBridge.IntegrationTests.FailsClosed;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Namespaces;

/// <summary>
/// Bridges whose listener lives in a namespace: towards the host, and across to another namespace. A veth pair into a second
/// namespace shows when the listener's own is freed: the kernel takes the pair away exactly then.
/// </summary>
internal sealed class ReverseTests : BridgeFixture
{
    private static readonly TimeSpan s_promisedToServe = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_promisedToLetGo = TimeSpan.FromSeconds(5);
    private const byte Right = 42;
    private static readonly byte[] s_hello = Pattern.Take(1000);

    private readonly IPEndPoint _listen = FreeEndPoint();

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Reverse_ListenerInside_LeadsToTheHostAndIsOnlyThere(string join)
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = OnHost(Decoy.Answers(Right));
        await StartAsync(Reverse(space, server) with { Join = join });

        await Eventually.TrueAsync(async () => await Decoy.ProbeAsync(_listen, space) == Right, Soon,
            "the host's service is reached from inside");

        Assert.That(HostSockets.IsListening(_listen), Is.False);
    }

    [Test]
    public async Task Reverse_NotWritten_NothingListensInside()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        await Own(await TestClient.TcpAsync(scene.Listen)).EchoAsync(s_hello);

        Assert.That(await scene.Namespace.RunAsync("ss", "-Hltn"), Does.Not.Contain($":{scene.Listen.Port} "));
    }

    [TestCase("handoff", "host")]
    [TestCase("relay", "host")]
    [TestCase("handoff", null)]
    [TestCase("relay", null)]
    public async Task ListenNamespace_DeletedWithLiveClients_IsFreedAndFollowed(string join, string? target)
    {
        TestNamespace space = await NamespaceAsync();
        TestNamespace beyond = await NamespaceAsync();
        string link = await space.LinkToAsync(beyond, "10.254.8.1/30", "10.254.8.2/30");
        TestNamespace? inside = target is null ? await NamespaceAsync() : null;
        TargetServer server = inside is null ? OnHost(Serve.Echo) : Target(inside, Serve.Echo);
        DaemonProcess daemon = await StartAsync(new BridgeEntry("back")
        {
            Listen = $"*:{_listen.Port}",
            ListenNamespace = space.Name,
            Namespace = target ?? inside!.Name,
            Target = server.EndPoint.ToString(),
            Join = join,
        });
        await Eventually.TrueAsync(() => EchoesAsync(space), Soon, "it serves");
        // The clients are outside, so that nothing but the daemon holds the namespace.
        var clients = new List<Socket>();
        for (int client = 0; client < 10; client++)
        {
            clients.Add(Own(await beyond.DialAsync(new IPEndPoint(IPAddress.Parse("10.254.8.1"), _listen.Port))));
            await clients[^1].EchoAsync(s_hello);
        }

        await space.DeleteAsync();
        TimeSpan took = await Eventually.TrueAsync(
            async () => !await beyond.HasLinkAsync(link), s_promisedToLetGo, $"the deleted namespace is freed\n{daemon.LogText()}");
        TestContext.Out.WriteLine($"freed after {took.TotalSeconds:0.00} s");

        await space.AddAsync();
        await Eventually.TrueAsync(() => EchoesAsync(space), s_promisedToServe, $"the new namespace is served\n{daemon.LogText()}");
    }

    [Test]
    public async Task ListenNamespace_DeletedWhileIdle_IsFreedAndFollowed()
    {
        TestNamespace space = await NamespaceAsync();
        TestNamespace beyond = await NamespaceAsync();
        TargetServer server = OnHost(Serve.Echo);
        DaemonProcess daemon = await StartAsync(Reverse(space, server));
        for (int generation = 0; generation < 3; generation++)
        {
            await Eventually.TrueAsync(() => EchoesAsync(space), s_promisedToServe,
                $"generation {generation} is served\n{daemon.LogText()}");
            string link = await space.LinkToAsync(beyond, "10.254.8.1/30", "10.254.8.2/30");
            await space.DeleteAsync();
            await Eventually.TrueAsync(async () => !await beyond.HasLinkAsync(link), s_promisedToLetGo,
                $"generation {generation} is freed");
            await space.AddAsync();
        }
    }

    [Test]
    public async Task ListenNamespace_LoopbackComesUpLate_ListensThen()
    {
        TestNamespace space = await ReserveNamespaceAsync();
        await StartAsync(Reverse(space, OnHost(Serve.Echo)));
        await space.AddAsync(loopbackUp: false);
        Assert.That(await EchoesAsync(space), Is.False);

        await space.IpAsync("link", "set", "lo", "up");

        await Eventually.TrueAsync(() => EchoesAsync(space), s_promisedToServe, "the listener's address is there and bound");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task ListenNamespace_OuterHalfAlone_FollowsAndLetsGo(string join)
    {
        string socket = Scratch()["inner.sock"];
        TargetServer server = OnHost(Serve.Echo);
        await StartAsync(new BridgeEntry("inner") { Socket = socket, Namespace = "host", Target = server.EndPoint.ToString() });
        TestNamespace space = await ReserveNamespaceAsync();
        TestNamespace beyond = await NamespaceAsync();
        DaemonProcess daemon = await LaunchAsync(
            new DaemonConfig(new BridgeEntry("outer")
            {
                Listen = $"*:{_listen.Port}",
                ListenNamespace = space.Name,
                Socket = socket,
                Join = join
            }));
        for (int generation = 0; generation < 2; generation++)
        {
            await space.AddAsync();
            await Eventually.TrueAsync(() => EchoesAsync(space), s_promisedToServe,
                $"generation {generation} is served\n{daemon.LogText()}");
            string link = await space.LinkToAsync(beyond, "10.254.8.1/30", "10.254.8.2/30");
            Socket client = Own(await beyond.DialAsync(new IPEndPoint(IPAddress.Parse("10.254.8.1"), _listen.Port)));
            await client.EchoAsync(s_hello);
            await space.DeleteAsync();
            await Eventually.TrueAsync(async () => !await beyond.HasLinkAsync(link), s_promisedToLetGo,
                $"generation {generation} is freed\n{daemon.LogText()}");
        }
    }

    private BridgeEntry Reverse(TestNamespace space, TargetServer server) => new("back")
    {
        Listen = _listen.ToString(),
        ListenNamespace = space.Name,
        Namespace = "host",
        Target = server.EndPoint.ToString(),
    };

    private TargetServer OnHost(Func<Socket, CancellationToken, Task> serve) => Own(TargetServer.StartOnHost(FreeEndPoint(), serve));

    private async Task<bool> EchoesAsync(TestNamespace from)
    {
        try
        {
            using Socket client = await from.DialAsync(_listen);
            await client.SendAllAsync(s_hello);
            return (await client.ReceiveExactlyAsync(s_hello.Length)).AsSpan().SequenceEqual(s_hello);
        }
        catch (Exception error) when (error is SocketException or EndOfStreamException or InvalidOperationException)
        {
            return false;
        }
    }
}
