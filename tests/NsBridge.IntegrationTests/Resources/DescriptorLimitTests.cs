using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Resources;

internal sealed class DescriptorLimitTests : BridgeFixture
{
    private const int Limit = 256;
    private const int Clients = 1000;
    private const int LowLimit = 110;
    private const int InnerLimit = 64;
    private const int HandedOver = 150;
    private static readonly byte[] Hello = Pattern.Take(100);

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Clients_MoreThanDescriptors_NeitherKillNorSpinItAndItRecovers(string join)
    {
        var space = await NamespaceAsync();
        var server = Target(space, Serve.Echo);
        var listen = FreeEndPoint();
        var daemon = await StartAsync(
            new DaemonConfig(new BridgeEntry("web")
            {
                Listen = listen.ToString(),
                Namespace = space.Name,
                Target = server.EndPoint.ToString(),
                Join = join,
            }),
            new DaemonLaunch { DescriptorLimit = Limit });
        var held = Own(await TestClient.TcpAsync(listen));
        await held.EchoAsync(Hello);

        var clients = new List<Socket>();
        for (var client = 0; client < Clients; client++)
        {
            // The listener's queue may be full: a client then waits on the kernel, as it would in life.
            var socket = Own(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            clients.Add(socket);
            _ = socket.ConnectAsync(listen).ContinueWith(connecting => connecting.Exception, TaskScheduler.Default);
        }
        await daemon.WaitLogAsync("descriptor");
        var steady = await Eventually.SteadyAsync(() => server.Accepted, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), "it takes no more");
        var busy = await BusyAsync(daemon, TimeSpan.FromSeconds(3));

        TestContext.Out.WriteLine($"{steady} of {Clients} served at once, {busy:P0} of a core while exhausted");
        Assert.That(busy, Is.LessThan(0.3));
        await held.EchoAsync(Hello);
        var complaints = daemon.Log.Where(line => line.Contains("descriptor", StringComparison.OrdinalIgnoreCase)).ToList();
        Assert.That(complaints, Has.Count.LessThanOrEqualTo(2), () => $"it says so once\n{string.Join('\n', complaints)}");

        clients.ForEach(client => client.Dispose());
        await Eventually.TrueAsync(() => EchoesAsync(listen), TimeSpan.FromSeconds(20), "new clients are served again");
        await held.EchoAsync(Hello);
    }

    [Test]
    public async Task Clients_AndSilentScrapersWithAVeryLowLimit_LeaveRoomForWhoAsksAndItRecovers()
    {
        var space = await NamespaceAsync();
        var server = Target(space, Serve.Echo);
        var (listen, metrics) = (FreeEndPoint(), FreeEndPoint());
        var daemon = await StartAsync(
            new DaemonConfig(new BridgeEntry("web") { Listen = listen.ToString(), Namespace = space.Name, Target = server.EndPoint.ToString() })
            {
                Metrics = new JsonObject { ["Listen"] = metrics.ToString() },
            },
            new DaemonLaunch { DescriptorLimit = LowLimit });
        var held = Own(await TestClient.TcpAsync(listen));
        await held.EchoAsync(Hello);

        var clients = await Task.WhenAll(Enumerable.Range(0, LowLimit).Select(_ => TestClient.TcpAsync(listen)));
        await daemon.WaitLogAsync("descriptor");
        var scrapers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => TestClient.TcpAsync(metrics)));
        await Task.Delay(TimeSpan.FromSeconds(0.3));

        var status = await daemon.StatusAsync();
        TestContext.Out.WriteLine($"{status.GetProperty("bridges")[0].GetProperty("connections")} with {ProcessFacts.Descriptors(daemon.Id).Count} of {LowLimit} descriptors");
        Assert.That(daemon.Log, Has.None.Contains("could not be served"));
        Assert.That(ProcessFacts.Descriptors(daemon.Id), Has.Count.LessThan(LowLimit));
        await held.EchoAsync(Hello);

        foreach (var client in clients.Concat(scrapers))
            client.Dispose();
        await Eventually.TrueAsync(() => EchoesAsync(listen), Soon, "new clients are served again");
        await held.EchoAsync(Hello);
    }

    [Test]
    public async Task InnerHalf_HandedMoreThanItHasDescriptors_ServesThemAllInTheEnd()
    {
        var space = await NamespaceAsync();
        var server = Target(space, Serve.Greeting("served"));
        var listen = FreeEndPoint();
        var entry = new BridgeEntry("web") { Socket = Scratch()["web.sock"], Namespace = space.Name, Target = server.EndPoint.ToString() };
        var inner = await StartAsync(new DaemonConfig(entry), new DaemonLaunch { DescriptorLimit = InnerLimit });
        var outer = await StartAsync(new BridgeEntry("outer") { Listen = listen.ToString(), Socket = entry.Socket, Join = "handoff" });
        Assert.That(await ServedAsync(await TestClient.TcpAsync(listen)), Is.EqualTo("served"));

        // All of them wait in the link at once.
        await inner.SignalAsync("STOP");
        var clients = await Task.WhenAll(Enumerable.Range(0, HandedOver).Select(_ => TestClient.TcpAsync(listen)));
        await Eventually.SteadyAsync(() => ProcessFacts.Descriptors(outer.Id).Count, TimeSpan.FromSeconds(0.5), Soon, "they are handed over");
        await inner.SignalAsync("CONT");

        var answers = await Task.WhenAll(clients.Select(ServedAsync));
        Assert.That(answers, Is.All.EqualTo("served"));
        foreach (var daemon in (DaemonProcess[])[inner, outer])
            await daemon.WaitStatusAsync(bridge => bridge.GetProperty("connections").GetProperty("active").GetInt32() == 0, "nobody is counted any more");
    }

    [Test]
    public async Task Bridge_WhoseNamespaceCannotBeLookedAtForWantOfDescriptors_ServesOnceItCan()
    {
        var scene = await SceneAsync(Serve.Echo);
        await Own(await TestClient.TcpAsync(scene.Listen)).EchoAsync(Hello);
        var other = await NamespaceAsync();
        var server = Target(other, Serve.Echo);
        var entry = new BridgeEntry("other") { Namespace = other.Name, Target = server.EndPoint.ToString() };

        // One more: enough to read the file, and too few for a look.
        var free = Enumerable.Range(0, int.MaxValue).Where(number => !Path.Exists($"/proc/{scene.Daemon.Id}/fd/{number}")).Skip(1).First();
        await Command.CheckAsync("prlimit", $"--pid={scene.Daemon.Id}", $"--nofile={free}:");
        var told = scene.Daemon.Log.Count;
        scene.Daemon.Rewrite(new DaemonConfig(scene.Entry, entry));
        await scene.Daemon.WaitLogAsync("Reloaded", told);
        await Command.CheckAsync("prlimit", $"--pid={scene.Daemon.Id}", "--nofile=1024:");

        await scene.Daemon.WaitStatusAsync(bridge => bridge.GetProperty("state").GetString() == "up", "it is up");
        await Own(await TestClient.UnixAsync(scene.Daemon.SocketPath("other"))).EchoAsync(Hello);
    }

    [Test]
    public async Task LocalClients_OfABridgeThatRelays_LeaveDescriptorsForTheRest()
    {
        var scene = await SceneAsync(Serve.Echo, entry => entry with { Join = "relay" }, new DaemonLaunch { DescriptorLimit = Limit });
        var held = await ConnectAsync(scene);
        await held.EchoAsync(Hello);

        for (var client = 0; client < Limit; client++)
            Own(await TestClient.UnixAsync(scene.SocketPath));
        await scene.Daemon.WaitLogAsync("descriptor");
        Assert.That((await scene.Daemon.StatusAsync()).GetProperty("bridges").GetArrayLength(), Is.EqualTo(1));

        await scene.Namespace.DeleteAsync();
        Assert.That(await held.EndingAsync(Soon), Is.EqualTo(Ending.Reset));
    }

    [Test]
    public async Task Listen_MorePortsThanDescriptors_SaysHowManyAndTakesNone()
    {
        const int count = 300;
        var first = HostSockets.FreePorts(count);
        var daemon = await LaunchAsync(
            new DaemonConfig(new BridgeEntry("web") { Listen = $"127.0.0.1:{first}-{first + count - 1}", Namespace = "host", Target = "127.0.0.1:1000-1299" }),
            new DaemonLaunch { DescriptorLimit = Limit });

        await daemon.WaitLogAsync($"need {count} descriptors, and this process may open {Limit} files");
        Assert.That(daemon.Log, Has.None.Contains("namespace"));
        Assert.That(daemon.Log, Has.Some.Contains("LimitNOFILE="));
    }

    /// <summary>What the target said, or how the connection ended before.</summary>
    private static async Task<string> ServedAsync(Socket client)
    {
        using (client)
        {
            try
            {
                return Encoding.ASCII.GetString(await client.ReceiveExactlyAsync("served".Length));
            }
            catch (Exception error) when (error is SocketException or EndOfStreamException)
            {
                return error.Message;
            }
        }
    }

    /// <summary>The part of one core that the daemon uses over a span of time.</summary>
    private static async Task<double> BusyAsync(DaemonProcess daemon, TimeSpan span)
    {
        var clock = Stopwatch.StartNew();
        var before = daemon.ProcessorTime;
        await Task.Delay(span);
        return (daemon.ProcessorTime - before) / clock.Elapsed;
    }
}
