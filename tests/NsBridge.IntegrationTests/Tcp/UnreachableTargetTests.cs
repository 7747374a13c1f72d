using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Tcp;

[Promise("tcp.unreachable")]
internal sealed class UnreachableTargetTests : BridgeFixture
{
    private static readonly TimeSpan s_atOnce = TimeSpan.FromSeconds(1);
    private static readonly byte[] s_hello = Pattern.Take(1000);

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Dial_TargetRefuses_ClientIsResetAtOnce(string join)
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Join = join });
        await scene.Server.DisposeAsync();

        var clock = Stopwatch.StartNew();
        Ending ending = await TestClient.EndingAsync(scene.Listen);

        Assert.That(ending, Is.EqualTo(Ending.Reset));
        Assert.That(clock.Elapsed, Is.LessThan(s_atOnce));
    }

    [Test]
    public async Task Dial_TargetRefuses_LocalClientIsEndedAtOnce()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        await scene.Server.DisposeAsync();

        var clock = Stopwatch.StartNew();
        await (await ConnectAsync(scene, Door.Unix)).EndingAsync(Soon);

        Assert.That(clock.Elapsed, Is.LessThan(s_atOnce));
    }

    [Test]
    public async Task Dial_PortIsOneTheKernelMayGiveToWhoConnects_NoClientMeetsHimself()
    {
        TestNamespace space = await NamespaceAsync();
        // Four ports to choose from, and the target's is one of the even ones, which the kernel takes first.
        await space.RunAsync("sysctl", "-q", "-w", "net.ipv4.ip_local_port_range=40000 40003");
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("web") { Listen = listen.ToString(), Namespace = space.Name, Target = "127.0.0.1:40002" });

        for (int attempt = 0; attempt < 100; attempt++)
            Assert.That(await TestClient.EndingAsync(listen), Is.EqualTo(Ending.Reset));

        Target(space, Serve.Echo, 40002);
        await Own(await TestClient.TcpAsync(listen)).EchoAsync(s_hello);
    }

    [Test]
    public async Task Dial_LoopbackIsDown_ClientIsResetAndTheLogSaysSo()
    {
        TestNamespace space = await ReserveNamespaceAsync();
        await space.AddAsync(loopbackUp: false);
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(
            new BridgeEntry("web") { Listen = listen.ToString(), Namespace = space.Name, Target = "127.0.0.1:3000" });

        Assert.That(await TestClient.EndingAsync(listen), Is.EqualTo(Ending.Reset));
        await daemon.WaitLogAsync("lo");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Dial_TargetIsSilent_ClientIsResetWithinConnectTimeoutAndNobodyElseWaits(string join)
    {
        TestNamespace space = await NamespaceAsync();
        EndPoint silent = await SilentEndPointAsync(space);
        TargetServer alive = Target(space, Serve.Echo);
        (IPEndPoint? toSilent, IPEndPoint? toAlive) = (FreeEndPoint(), FreeEndPoint());
        await StartAsync(
            new BridgeEntry("silent")
            {
                Listen = toSilent.ToString(),
                Namespace = space.Name,
                Target = silent.ToString(),
                ConnectTimeout = TimeSpan.FromSeconds(2),
                Join = join,
            },
            new BridgeEntry("alive")
            {
                Listen = toAlive.ToString(),
                Namespace = space.Name,
                Target = alive.EndPoint.ToString(),
                Join = join
            });

        var clock = Stopwatch.StartNew();
        var waiting = new List<Task<Ending>>();
        for (int client = 0; client < 50; client++)
            waiting.Add(TestClient.EndingAsync(toSilent));
        for (int client = 0; client < 20; client++)
        {
            var one = Stopwatch.StartNew();
            await Own(await TestClient.TcpAsync(toAlive)).EchoAsync(s_hello);
            Assert.That(one.Elapsed, Is.LessThan(s_atOnce), "another bridge's client waits for the silent target");
        }
        Assert.That(waiting.Any(ending => ending.IsCompleted), Is.False, "the silent target's clients wait no longer than the others took");
        Ending[] endings = await Task.WhenAll(waiting);

        Assert.That(endings, Is.All.EqualTo(Ending.Reset));
        Assert.That(clock.Elapsed, Is.InRange(TimeSpan.FromSeconds(1.8), TimeSpan.FromSeconds(5)));
    }

    [Test]
    public async Task Dial_ClientGivesUpMeanwhile_LeavesNothing()
    {
        TestNamespace space = await NamespaceAsync();
        EndPoint silent = await SilentEndPointAsync(space);
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(new BridgeEntry("silent")
        {
            Listen = listen.ToString(),
            Namespace = space.Name,
            Target = silent.ToString(),
            ConnectTimeout = TimeSpan.FromSeconds(60),
        });

        for (int client = 0; client < 100; client++)
            (await TestClient.TcpAsync(listen)).Reset();

        // Long before ConnectTimeout.
        await daemon.CheckQuietAsync();
    }

    [Test]
    public async Task Log_OnePortOfARangeIsDead_IsToldOnceByItsNumberHoweverManyOthersAreServed()
    {
        TestNamespace space = await NamespaceAsync();
        Target(space, Serve.Echo, 4000);
        int first = HostSockets.FreePorts(2);
        DaemonProcess daemon = await StartAsync(new BridgeEntry("range")
        {
            Listen = $"127.0.0.1:{first}-{first + 1}",
            Namespace = space.Name,
            Target = "127.0.0.1:4000-4001",
        });

        for (int client = 0; client < 20; client++)
        {
            Assert.That(await EchoesAsync(new IPEndPoint(IPAddress.Loopback, first)));
            Assert.That(await TestClient.EndingAsync(new IPEndPoint(IPAddress.Loopback, first + 1)), Is.EqualTo(Ending.Reset));
        }

        await daemon.WaitLogAsync("nothing listens on");
        var told = daemon.Log.Where(line => line.Contains("nothing listens on", StringComparison.Ordinal)).ToList();
        Assert.That(told, Has.Count.EqualTo(1));
        Assert.That(told[0], Does.Contain($"nothing listens on 127.0.0.1:4001 in {space.Name}"));
    }

    /// <summary>
    /// A listener whose queue is full and that is never accepted from: the kernel drops new connections, as a firewall would.
    /// </summary>
    private async Task<EndPoint> SilentEndPointAsync(TestNamespace space)
    {
        Socket listener = Own(space.Listen(new IPEndPoint(IPAddress.Loopback, 0), backlog: 0));
        int filled = 0;
        var filling = new List<Task>();
        for (int client = 0; client < 4; client++)
        {
            Socket socket = Own(space.OpenSocket(AddressFamily.InterNetwork));
            filling.Add(CountAsync(socket.ConnectAsync(listener.LocalEndPoint!)));
        }
        await Eventually.TrueAsync(() => Volatile.Read(ref filled) >= 1, Soon, "the listener's queue is full");
        return listener.LocalEndPoint!;

        async Task CountAsync(Task connecting)
        {
            try
            {
                await connecting;
                Interlocked.Increment(ref filled);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // Those beyond the queue end with the test.
            }
        }
    }
}
