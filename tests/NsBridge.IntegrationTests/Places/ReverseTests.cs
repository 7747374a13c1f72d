using System.Net;
using System.Net.Sockets;
using NsBridge.IntegrationTests.Namespaces;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Places;

/// <summary>
/// Bridges whose listener lives in a namespace: towards the host, and across to another namespace. A veth pair into a second
/// namespace shows when the listener's own is freed: the kernel takes the pair away exactly then.
/// </summary>
internal sealed class ReverseTests : BridgeFixture
{
    private static readonly TimeSpan PromisedToServe = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PromisedToLetGo = TimeSpan.FromSeconds(5);
    private const byte Right = 42;
    private static readonly byte[] Hello = Pattern.Take(1000);

    private readonly IPEndPoint _listen = FreeEndPoint();

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Reverse_ListenerInside_LeadsToTheHostAndIsOnlyThere(string join)
    {
        var space = await NamespaceAsync();
        var server = OnHost(Decoy.Answers(Right));
        await StartAsync(Reverse(space, server) with { Join = join });

        await Eventually.TrueAsync(async () => await Decoy.ProbeAsync(_listen, space) == Right, Soon, "the host's service is reached from inside");

        Assert.That(HostSockets.IsListening(_listen), Is.False);
    }

    [Test]
    public async Task Reverse_NotWritten_NothingListensInside()
    {
        var scene = await SceneAsync(Serve.Echo);
        await Own(await TestClient.TcpAsync(scene.Listen)).EchoAsync(Hello);

        Assert.That(await scene.Namespace.RunAsync("ss", "-Hltn"), Does.Not.Contain($":{scene.Listen.Port} "));
    }

    [TestCase("handoff", "host")]
    [TestCase("relay", "host")]
    [TestCase("handoff", null)]
    [TestCase("relay", null)]
    public async Task ListenNamespace_DeletedWithLiveClients_IsFreedAndFollowed(string join, string? target)
    {
        var space = await NamespaceAsync();
        var beyond = await NamespaceAsync();
        var link = await space.LinkToAsync(beyond, "10.254.8.1/30", "10.254.8.2/30");
        var inside = target is null ? await NamespaceAsync() : null;
        var server = inside is null ? OnHost(Serve.Echo) : Target(inside, Serve.Echo);
        var daemon = await StartAsync(new BridgeEntry("back")
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
        for (var client = 0; client < 10; client++)
        {
            clients.Add(Own(await beyond.DialAsync(new IPEndPoint(IPAddress.Parse("10.254.8.1"), _listen.Port))));
            await clients[^1].EchoAsync(Hello);
        }

        await space.DeleteAsync();
        var took = await Eventually.TrueAsync(
            async () => !await beyond.HasLinkAsync(link), PromisedToLetGo, $"the deleted namespace is freed\n{daemon.LogText()}");
        TestContext.Out.WriteLine($"freed after {took.TotalSeconds:0.00} s");

        await space.AddAsync();
        await Eventually.TrueAsync(() => EchoesAsync(space), PromisedToServe, $"the new namespace is served\n{daemon.LogText()}");
    }

    [Test]
    public async Task ListenNamespace_DeletedWhileIdle_IsFreedAndFollowed()
    {
        var space = await NamespaceAsync();
        var beyond = await NamespaceAsync();
        var server = OnHost(Serve.Echo);
        var daemon = await StartAsync(Reverse(space, server));
        for (var generation = 0; generation < 3; generation++)
        {
            await Eventually.TrueAsync(() => EchoesAsync(space), PromisedToServe, $"generation {generation} is served\n{daemon.LogText()}");
            var link = await space.LinkToAsync(beyond, "10.254.8.1/30", "10.254.8.2/30");
            await space.DeleteAsync();
            await Eventually.TrueAsync(async () => !await beyond.HasLinkAsync(link), PromisedToLetGo, $"generation {generation} is freed");
            await space.AddAsync();
        }
    }

    [Test]
    public async Task ListenNamespace_LoopbackComesUpLate_ListensThen()
    {
        var space = await ReserveNamespaceAsync();
        await StartAsync(Reverse(space, OnHost(Serve.Echo)));
        await space.AddAsync(loopbackUp: false);
        Assert.That(await EchoesAsync(space), Is.False);

        await space.IpAsync("link", "set", "lo", "up");

        await Eventually.TrueAsync(() => EchoesAsync(space), PromisedToServe, "the listener's address is there and bound");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task ListenNamespace_OuterHalfAlone_FollowsAndLetsGo(string join)
    {
        var socket = Scratch()["inner.sock"];
        var server = OnHost(Serve.Echo);
        await StartAsync(new BridgeEntry("inner") { Socket = socket, Namespace = "host", Target = server.EndPoint.ToString() });
        var space = await ReserveNamespaceAsync();
        var beyond = await NamespaceAsync();
        var daemon = await LaunchAsync(
            new DaemonConfig(new BridgeEntry("outer") { Listen = $"*:{_listen.Port}", ListenNamespace = space.Name, Socket = socket, Join = join }));
        for (var generation = 0; generation < 2; generation++)
        {
            await space.AddAsync();
            await Eventually.TrueAsync(() => EchoesAsync(space), PromisedToServe, $"generation {generation} is served\n{daemon.LogText()}");
            var link = await space.LinkToAsync(beyond, "10.254.8.1/30", "10.254.8.2/30");
            var client = Own(await beyond.DialAsync(new IPEndPoint(IPAddress.Parse("10.254.8.1"), _listen.Port)));
            await client.EchoAsync(Hello);
            await space.DeleteAsync();
            await Eventually.TrueAsync(async () => !await beyond.HasLinkAsync(link), PromisedToLetGo, $"generation {generation} is freed\n{daemon.LogText()}");
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
            using var client = await from.DialAsync(_listen);
            await client.SendAllAsync(Hello);
            return (await client.ReceiveExactlyAsync(Hello.Length)).AsSpan().SequenceEqual(Hello);
        }
        catch (Exception error) when (error is SocketException or EndOfStreamException or InvalidOperationException)
        {
            return false;
        }
    }
}
