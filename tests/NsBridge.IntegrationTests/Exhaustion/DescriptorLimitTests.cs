using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Exhaustion;

[Promise("exhaustion")]
[Parallelizable(ParallelScope.All)]
internal sealed class DescriptorLimitTests : BridgeFixture
{
    private const int Limit = 256;
    private const int Clients = 1000;
    private const int LowLimit = 110;
    private const int InnerLimit = 64;
    private const int HandedOver = 150;
    private static readonly byte[] s_hello = Pattern.Take(100);

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Clients_MoreThanDescriptors_NeitherKillNorSpinItAndItRecovers(string join)
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(
            new DaemonConfig(new BridgeEntry("web")
            {
                Listen = listen.ToString(),
                Namespace = space.Name,
                Target = server.EndPoint.ToString(),
                Join = join,
            }),
            new DaemonLaunch { DescriptorLimit = Limit });
        Socket held = Own(await TestClient.TcpAsync(listen));
        await held.EchoAsync(s_hello);

        var clients = new List<Socket>();
        for (int client = 0; client < Clients; client++)
        {
            // The listener's queue may be full: a client then waits on the kernel, as it would in life.
            Socket socket = Own(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            clients.Add(socket);
            _ = socket.ConnectAsync(listen).ContinueWith(connecting => connecting.Exception, TaskScheduler.Default);
        }
        await daemon.WaitLogAsync("descriptor");
        long steady = await Eventually.SteadyAsync(
            () => server.Accepted, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), "it takes no more");
        double busy = await BusyAsync(daemon, TimeSpan.FromSeconds(3));

        TestContext.Out.WriteLine($"{steady} of {Clients} served at once, {busy:P0} of a core while exhausted");
        Assert.That(busy, Is.LessThan(0.3));
        await held.EchoAsync(s_hello);
        var complaints = daemon.Log.Where(line => line.Contains("descriptor", StringComparison.OrdinalIgnoreCase)).ToList();
        Assert.That(complaints, Has.Count.LessThanOrEqualTo(2), () => $"it says so once\n{string.Join('\n', complaints)}");

        clients.ForEach(client => client.Dispose());
        await Eventually.TrueAsync(() => EchoesAsync(listen), TimeSpan.FromSeconds(20), "new clients are served again");
        await held.EchoAsync(s_hello);
    }

    [Test]
    public async Task Clients_AndSilentScrapersWithAVeryLowLimit_LeaveRoomForWhoAsksAndItRecovers()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        (IPEndPoint? listen, IPEndPoint? metrics) = (FreeEndPoint(), FreeEndPoint());
        DaemonProcess daemon = await StartAsync(
            new DaemonConfig(new BridgeEntry("web")
            {
                Listen = listen.ToString(),
                Namespace = space.Name,
                Target = server.EndPoint.ToString()
            })
            {
                Metrics = new JsonObject { ["Listen"] = metrics.ToString() },
            },
            new DaemonLaunch { DescriptorLimit = LowLimit });
        Socket held = Own(await TestClient.TcpAsync(listen));
        await held.EchoAsync(s_hello);

        Socket[] clients = await Task.WhenAll(Enumerable.Range(0, LowLimit).Select(_ => TestClient.TcpAsync(listen)));
        await daemon.WaitLogAsync("descriptor");
        Socket[] scrapers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => TestClient.TcpAsync(metrics)));
        await Task.Delay(TimeSpan.FromSeconds(0.3));

        JsonElement status = await daemon.StatusAsync();
        TestContext.Out.WriteLine($"{status.GetProperty("bridges")[0].GetProperty("connections")} with "
            + $"{ProcessFacts.Descriptors(daemon.Id).Count} of {LowLimit} descriptors");
        Assert.That(daemon.Log, Has.None.Contains("could not be served"));
        Assert.That(ProcessFacts.Descriptors(daemon.Id), Has.Count.LessThan(LowLimit));
        await held.EchoAsync(s_hello);

        foreach (Socket? client in clients.Concat(scrapers))
            client.Dispose();
        await Eventually.TrueAsync(() => EchoesAsync(listen), Soon, "new clients are served again");
        await held.EchoAsync(s_hello);
    }

    [Test]
    public async Task InnerHalf_HandedMoreThanItHasDescriptors_ServesThemAllInTheEnd()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Greeting("served"));
        IPEndPoint listen = FreeEndPoint();
        var entry = new BridgeEntry("web") { Socket = Scratch()["web.sock"], Namespace = space.Name, Target = server.EndPoint.ToString() };
        DaemonProcess inner = await StartAsync(new DaemonConfig(entry), new DaemonLaunch { DescriptorLimit = InnerLimit });
        DaemonProcess outer = await StartAsync(
            new BridgeEntry("outer") { Listen = listen.ToString(), Socket = entry.Socket, Join = "handoff" });
        Assert.That(await ServedAsync(await TestClient.TcpAsync(listen)), Is.EqualTo("served"));

        // All of them wait in the link at once.
        await inner.SignalAsync("STOP");
        Socket[] clients = await Task.WhenAll(Enumerable.Range(0, HandedOver).Select(_ => TestClient.TcpAsync(listen)));
        await Eventually.SteadyAsync(() => ProcessFacts.Descriptors(outer.Id).Count, TimeSpan.FromSeconds(0.5), Soon,
            "they are handed over");
        await inner.SignalAsync("CONT");

        string[] answers = await Task.WhenAll(clients.Select(ServedAsync));
        Assert.That(answers, Is.All.EqualTo("served"));
        foreach (DaemonProcess daemon in (DaemonProcess[])[inner, outer])
            await daemon.WaitStatusAsync(bridge => bridge.GetProperty("connections").GetProperty("active").GetInt32() == 0,
                "nobody is counted any more");
    }

    [Test]
    public async Task Bridge_WhoseNamespaceCannotBeLookedAtForWantOfDescriptors_ServesOnceItCan()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        await Own(await TestClient.TcpAsync(scene.Listen)).EchoAsync(s_hello);
        TestNamespace other = await NamespaceAsync();
        TargetServer server = Target(other, Serve.Echo);
        var entry = new BridgeEntry("other") { Namespace = other.Name, Target = server.EndPoint.ToString() };

        // One more: enough to read the file, and too few for a look.
        int free = Enumerable.Range(0, int.MaxValue).Where(number => !Path.Exists($"/proc/{scene.Daemon.Id}/fd/{number}")).Skip(1).First();
        await Command.CheckAsync("prlimit", $"--pid={scene.Daemon.Id}", $"--nofile={free}:");
        int told = scene.Daemon.Log.Count;
        scene.Daemon.Rewrite(new DaemonConfig(scene.Entry, entry));
        await scene.Daemon.WaitLogAsync("Reloaded", told);
        await Command.CheckAsync("prlimit", $"--pid={scene.Daemon.Id}", "--nofile=1024:");

        await scene.Daemon.WaitStatusAsync(bridge => bridge.GetProperty("state").GetString() == "up", "it is up");
        await Own(await TestClient.UnixAsync(scene.Daemon.SocketPath("other"))).EchoAsync(s_hello);
    }

    [Test]
    public async Task LocalClients_OfABridgeThatRelays_LeaveDescriptorsForTheRest()
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Join = "relay" }, new DaemonLaunch { DescriptorLimit = Limit });
        Socket held = await ConnectAsync(scene);
        await held.EchoAsync(s_hello);

        for (int client = 0; client < Limit; client++)
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
        int first = HostSockets.FreePorts(count);
        DaemonProcess daemon = await LaunchAsync(
            new DaemonConfig(new BridgeEntry("web")
            {
                Listen = $"127.0.0.1:{first}-{first + count - 1}",
                Namespace = "host",
                Target = "127.0.0.1:1000-1299"
            }),
            new DaemonLaunch { DescriptorLimit = Limit });

        await daemon.WaitLogAsync($"need {count} descriptors, and this process may open {Limit} files");
        Assert.That(daemon.Log, Has.None.Contains("namespace"));
        Assert.That(daemon.Log, Has.Some.Contains("LimitNOFILE="));
    }

    /// <summary>The target's bytes, or how the connection was closed before.</summary>
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
        TimeSpan before = daemon.ProcessorTime;
        await Task.Delay(span);
        return (daemon.ProcessorTime - before) / clock.Elapsed;
    }
}
