using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Tcp;

internal sealed class ConversationTests : BridgeFixture
{
    [TestCase("handoff")]
    [TestCase("relay")]
    [Promise("tcp.server-first")]
    public async Task Server_SpeaksFirst_IsHeardThroughBothDoors(string join)
    {
        Scene scene = await SceneAsync(Serve.Greeting("220 ready\r\n"), entry => entry with { Join = join });

        foreach (Door door in Enum.GetValues<Door>())
        {
            Socket client = await ConnectAsync(scene, door);
            Assert.That(Encoding.UTF8.GetString(await client.ReceiveExactlyAsync(11)), Is.EqualTo("220 ready\r\n"));
            await client.EchoAsync(Pattern.Take(100));
        }
    }

    [TestCase("handoff", Door.Tcp)]
    [TestCase("handoff", Door.Unix)]
    [TestCase("relay", Door.Tcp)]
    [TestCase("relay", Door.Unix)]
    public async Task Echo_HundredClientsAtOnce_IsExact(string join, Door door)
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Join = join });
        var clients = new List<Socket>();
        for (int client = 0; client < 100; client++)
            clients.Add(await ConnectAsync(scene, door));

        await Task.WhenAll(clients.Select((client, number) => EchoSizesAsync(client, number)));

        Assert.That(scene.Server.Accepted, Is.EqualTo(100));
    }

    [TestCase("[::1]:{0}")]
    [TestCase("localhost:{0}")]
    public async Task Target_OnV6Alone_IsReached(string target)
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Own(TargetServer.Start(space.Listen(new IPEndPoint(IPAddress.IPv6Loopback, 0)), Serve.Echo));
        int port = ((IPEndPoint)server.EndPoint).Port;
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("web")
        {
            Listen = listen.ToString(),
            Namespace = space.Name,
            Target = string.Format(null, target, port)
        });

        await Own(await TestClient.TcpAsync(listen)).EchoAsync(Pattern.Take(1000));
    }

    [Test]
    public async Task Target_LocalhostOnV4_IsReached()
    {
        Scene scene = await SceneAsync(
            Serve.Echo, entry => entry with { Target = entry.Target!.Replace("127.0.0.1", "localhost", StringComparison.Ordinal) });

        await (await ConnectAsync(scene)).EchoAsync(Pattern.Take(1000));
    }

    [TestCase("unix:{0}/target.sock", "{0}/target.sock")]
    [TestCase("unix:@nsbridge-{0}", "\0nsbridge-{0}")]
    public async Task Target_UnixSocket_IsReached(string target, string path)
    {
        ScratchDirectory folder = Scratch();
        string unique = target.Contains('@') ? Path.GetFileName(folder.FullName) : folder.FullName;
        TestNamespace space = await NamespaceAsync();
        // An abstract name belongs to the namespace it was bound in: reaching it proves that the dial was made inside.
        Own(TargetServer.Start(space.Listen(new UnixDomainSocketEndPoint(string.Format(null, path, unique))), Serve.Echo));
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("web")
        {
            Listen = listen.ToString(),
            Namespace = space.Name,
            Target = string.Format(null, target, unique)
        });

        await Own(await TestClient.TcpAsync(listen)).EchoAsync(Pattern.Take(100_000));
    }

    [Test]
    public async Task Relay_ManyShortConnections_LeaveNothing()
    {
        Scene scene = await SceneAsync(Serve.Echo);

        await Parallel.ForAsync(0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (number, _) =>
        {
            using Socket client = number % 2 == 0 ? await TestClient.TcpAsync(scene.Listen) : await TestClient.UnixAsync(scene.SocketPath);
            await client.EchoAsync(Pattern.Take(100, number));
            if (number % 3 == 0)
                client.Reset();
        });

        await scene.Daemon.CheckQuietAsync();
    }

    [Test]
    public async Task Relay_BulkBeside_SmallMessagesGoOn()
    {
        const int Messages = 50;
        TestNamespace space = await NamespaceAsync();
        (TargetServer? bulk, TargetServer? small) = (Target(space, Serve.Source(long.MaxValue)), Target(space, Serve.Echo));
        (IPEndPoint? toBulk, IPEndPoint? toSmall) = (FreeEndPoint(), FreeEndPoint());
        await StartAsync(
            new BridgeEntry("bulk") { Listen = toBulk.ToString(), Namespace = space.Name, Target = bulk.EndPoint.ToString() },
            new BridgeEntry("small") { Listen = toSmall.ToString(), Namespace = space.Name, Target = small.EndPoint.ToString() });
        var readers = new List<Task>();
        for (int reader = 0; reader < 8; reader++)
        {
            Socket client = Own(await TestClient.TcpAsync(toBulk));
            readers.Add(Task.Run(() => client.ReceivePatternAsync()));
        }

        TimeSpan slowest = TimeSpan.Zero;
        Socket echoing = Own(await TestClient.TcpAsync(toSmall));
        for (int message = 0; message < Messages; message++)
        {
            var clock = Stopwatch.StartNew();
            await echoing.EchoAsync(Pattern.Take(100));
            slowest = clock.Elapsed > slowest ? clock.Elapsed : slowest;
        }

        Assert.That(readers.Any(reader => reader.IsCompleted), Is.False, "the bulk goes on meanwhile");
        TestContext.Out.WriteLine($"slowest of {Messages} small messages: {slowest.TotalMilliseconds:0.0} ms");
        Assert.That(slowest, Is.LessThan(TimeSpan.FromSeconds(1)));
    }

    /// <summary>From one byte to a megabyte, each a different part of the pattern.</summary>
    private static async Task EchoSizesAsync(Socket client, int number)
    {
        foreach (int size in new[] { 1, 2, 100, 4095, 65_537, 1 << 18 })
            await client.EchoAsync(Pattern.Take(size, number * 1000L));
    }
}
