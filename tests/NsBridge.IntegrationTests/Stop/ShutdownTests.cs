using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Stop;

/// <summary>Unbind, drain, abort, in this order.</summary>
[Promise("stop")]
[Parallelizable(ParallelScope.All)]
internal sealed class ShutdownTests : BridgeFixture
{
    private static readonly byte[] s_hello = Pattern.Take(1000);

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Terminate_WithALiveConnection_UnbindsAtOnceAndWaitsForIt(string join)
    {
        Scene scene = await SceneAsync(TimeSpan.FromSeconds(30), join);
        Socket client = await ConnectAsync(scene);
        await client.EchoAsync(s_hello);

        await scene.Daemon.SignalAsync("TERM");
        await scene.Daemon.WaitNotListeningAsync(scene.Listen);
        await Assert.ThrowsAsync<SocketException>(() => TestClient.TcpAsync(scene.Listen));
        await client.EchoAsync(s_hello);
        Assert.That(scene.Daemon.HasExited, Is.False);
        JsonElement status = (await scene.Daemon.StatusAsync()).GetProperty("bridges")[0];
        Assert.That(status.GetProperty("state").GetString(), Is.EqualTo("waiting"), "nobody new can connect");
        Assert.That(status.GetProperty("reason").GetString(), Does.Contain("stopping"));

        var clock = Stopwatch.StartNew();
        client.Dispose();
        Assert.That(await scene.Daemon.ExitAsync(), Is.Zero);
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)), "it ends with the last connection");
        Assert.That(Directory.Exists(scene.Daemon.RuntimeDirectory) ? Directory.GetFileSystemEntries(scene.Daemon.RuntimeDirectory) : [],
            Is.Empty);
    }

    [Test]
    public async Task Terminate_ConnectionsThatStay_AreToldOfAndResetAfterTheTimeout()
    {
        Scene scene = await SceneAsync(TimeSpan.FromSeconds(2), "handoff");
        Socket[] clients = new[] { await ConnectAsync(scene), await ConnectAsync(scene), await ConnectAsync(scene, Door.Unix) };
        foreach (Socket? client in clients)
            await client.EchoAsync(s_hello);
        int told = scene.Daemon.Log.Count;

        var clock = Stopwatch.StartNew();
        await scene.Daemon.SignalAsync("TERM");
        int code = await scene.Daemon.ExitAsync();

        Assert.That(code, Is.Zero);
        Assert.That(clock.Elapsed, Is.InRange(TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(6)));
        Assert.That(await clients[0].EndingAsync(Soon), Is.EqualTo(Ending.Reset));
        Assert.That(scene.Daemon.Log.Skip(told)
            .Any(line => line.Contains('3', StringComparison.Ordinal) && line.Contains("connection", StringComparison.OrdinalIgnoreCase)),
            Is.True, () => $"a line says how many connections are left\n{scene.Daemon.LogText()}");
    }

    [Test]
    public async Task Terminate_WhileItStillStarts_EndsWellAndLeavesNothing()
    {
        // So many that they take longer than the first thing the daemon leaves in its directory.
        IEnumerable<BridgeEntry> bridges = Enumerable.Range(0, 300)
            .Select(i => new BridgeEntry($"b{i}") { Namespace = "host", Target = "127.0.0.1:9" });
        await using DaemonProcess daemon = await DaemonProcess.LaunchAsync(new DaemonConfig([.. bridges]));
        await daemon.WaitAsync(() => Directory.EnumerateFileSystemEntries(daemon.RuntimeDirectory).Any(), "the first file of a start");

        await daemon.SignalAsync("TERM");

        Assert.That(await daemon.ExitAsync(), Is.Zero);
        Assert.That(Directory.GetFileSystemEntries(daemon.RuntimeDirectory), Is.Empty);
        daemon.CheckNoStackTrace();
    }

    [Test]
    public async Task Terminate_ToldTwiceAtOnce_IsTheUsualStop()
    {
        // As timeout(1) does it, which signals its child and then its whole group.
        Scene scene = await SceneAsync(TimeSpan.FromSeconds(2), "handoff");
        Socket client = await ConnectAsync(scene);
        await client.EchoAsync(s_hello);

        var clock = Stopwatch.StartNew();
        await Command.CheckAsync("/bin/sh", "-c",
            $"kill -TERM {scene.Daemon.Id}; kill -TERM {scene.Daemon.Id}; kill -INT {scene.Daemon.Id}");

        Assert.That(await scene.Daemon.ExitAsync(), Is.Zero);
        Assert.That(clock.Elapsed, Is.GreaterThan(TimeSpan.FromSeconds(1.5)), "connections have their time");
        Assert.That(Directory.GetFileSystemEntries(scene.Daemon.RuntimeDirectory), Is.Empty);
    }

    [Test]
    public async Task Terminate_ToldAgainLater_CutsTheDrainShortAndCleansUp()
    {
        Scene scene = await SceneAsync(TimeSpan.FromMinutes(1), "handoff");
        Socket client = await ConnectAsync(scene);
        await client.EchoAsync(s_hello);
        await scene.Daemon.SignalAsync("TERM");
        await scene.Daemon.WaitNotListeningAsync(scene.Listen);
        await Task.Delay(TimeSpan.FromSeconds(1.2));
        Assert.That(scene.Daemon.HasExited, Is.False);

        await scene.Daemon.SignalAsync("TERM");

        Assert.That(await scene.Daemon.ExitAsync(Soon), Is.Zero);
        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Reset));
        Assert.That(Directory.GetFileSystemEntries(scene.Daemon.RuntimeDirectory), Is.Empty);
    }

    [Test]
    public async Task Terminate_AfterAReloadThatGrantsMoreTime_WaitsThatLong()
    {
        Scene scene = await SceneAsync(TimeSpan.FromSeconds(1), "handoff");
        Socket client = await ConnectAsync(scene);
        await client.EchoAsync(s_hello);
        scene.Daemon.Rewrite(new DaemonConfig(scene.Entry) { ShutdownTimeout = TimeSpan.FromSeconds(60) });
        await scene.Daemon.SignalAsync("HUP");
        await scene.Daemon.WaitLogAsync("Reloaded");

        await scene.Daemon.SignalAsync("TERM");
        await scene.Daemon.WaitNotListeningAsync(scene.Listen);
        // Beyond what the first configuration granted, with all that a stop may take in addition.
        await Task.Delay(TimeSpan.FromSeconds(7.5));
        await client.EchoAsync(s_hello);

        client.Dispose();
        Assert.That(await scene.Daemon.ExitAsync(), Is.Zero);
    }

    [Test]
    public async Task Terminate_Interrupted_EndsLikeTerminated()
    {
        Scene scene = await SceneAsync(Serve.Echo);

        await scene.Daemon.SignalAsync("INT");

        Assert.That(await scene.Daemon.ExitAsync(), Is.Zero);
    }

    [Test]
    public async Task Restart_WithConnectionsJustClosed_BindsTheSamePortAtOnce()
    {
        var briefly = TimeSpan.FromSeconds(0.2);
        Scene scene = await SceneAsync(briefly, "handoff");
        DaemonProcess daemon = scene.Daemon;
        for (int restart = 0; restart < 5; restart++)
        {
            Socket held = await ConnectAsync(scene);
            await held.EchoAsync(s_hello);
            Socket ended = await ConnectAsync(scene);
            await ended.EchoAsync(s_hello);
            // The server ends first, so that the daemon's side is the one that lingers in TIME_WAIT.
            ended.Shutdown(SocketShutdown.Send);
            await ended.EndingAsync(Soon);

            await daemon.StopAsync();
            var clock = Stopwatch.StartNew();
            daemon = await StartAsync(new DaemonConfig(scene.Entry) { ShutdownTimeout = briefly });
            Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(3)));
        }
        await (await ConnectAsync(scene)).EchoAsync(s_hello);
    }

    [Test]
    public async Task Start_PortIsTaken_SaysWhichAndServesTheOthers()
    {
        TargetServer taken = Own(TargetServer.StartOnHost(FreeEndPoint(), Serve.Nothing));
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        IPEndPoint listen = FreeEndPoint();
        await using DaemonProcess daemon = await DaemonProcess.LaunchAsync(new DaemonConfig(
            new BridgeEntry("taken") { Listen = taken.EndPoint.ToString(), Namespace = space.Name, Target = server.EndPoint.ToString() },
            new BridgeEntry("free") { Listen = listen.ToString(), Namespace = space.Name, Target = server.EndPoint.ToString() }));

        await daemon.WaitLogAsync(taken.EndPoint.ToString()!);
        await daemon.WaitListeningAsync(listen);
        using (Socket client = await TestClient.TcpAsync(listen))
            await client.EchoAsync(s_hello);

        await taken.DisposeAsync();
        await daemon.StopAsync();
        daemon.CheckNoStackTrace();
    }

    private async Task<Scene> SceneAsync(TimeSpan shutdownTimeout, string join)
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        IPEndPoint listen = FreeEndPoint();
        var entry = new BridgeEntry("web")
        {
            Listen = listen.ToString(),
            Namespace = space.Name,
            Target = server.EndPoint.ToString(),
            Join = join
        };
        DaemonProcess daemon = await StartAsync(new DaemonConfig(entry) { ShutdownTimeout = shutdownTimeout });
        return new Scene(space, server, daemon, listen, entry);
    }
}
