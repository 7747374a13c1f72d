using System.Diagnostics;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Lifecycle;

/// <summary>Unbind, drain, abort, in this order.</summary>
internal sealed class ShutdownTests : BridgeFixture
{
    private static readonly byte[] Hello = Pattern.Take(1000);

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Terminate_WithALiveConnection_UnbindsAtOnceAndWaitsForIt(string join)
    {
        var scene = await SceneAsync(TimeSpan.FromSeconds(30), join);
        var client = await ConnectAsync(scene);
        await client.EchoAsync(Hello);

        await scene.Daemon.SignalAsync("TERM");
        await scene.Daemon.WaitNotListeningAsync(scene.Listen);
        Assert.ThrowsAsync<SocketException>(() => TestClient.TcpAsync(scene.Listen));
        await client.EchoAsync(Hello);
        Assert.That(scene.Daemon.HasExited, Is.False);
        var status = (await scene.Daemon.StatusAsync()).GetProperty("bridges")[0];
        Assert.That(status.GetProperty("state").GetString(), Is.EqualTo("waiting"), "nobody new can connect");
        Assert.That(status.GetProperty("reason").GetString(), Does.Contain("stopping"));

        var clock = Stopwatch.StartNew();
        client.Dispose();
        Assert.That(await scene.Daemon.ExitAsync(), Is.Zero);
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)), "it ends with the last connection");
        Assert.That(Directory.Exists(scene.Daemon.RuntimeDirectory) ? Directory.GetFileSystemEntries(scene.Daemon.RuntimeDirectory) : [], Is.Empty);
    }

    [Test]
    public async Task Terminate_ConnectionsThatStay_AreToldOfAndResetAfterTheTimeout()
    {
        var scene = await SceneAsync(TimeSpan.FromSeconds(2), "handoff");
        var clients = new[] { await ConnectAsync(scene), await ConnectAsync(scene), await ConnectAsync(scene, Door.Unix) };
        foreach (var client in clients)
            await client.EchoAsync(Hello);
        var told = scene.Daemon.Log.Count;

        var clock = Stopwatch.StartNew();
        await scene.Daemon.SignalAsync("TERM");
        var code = await scene.Daemon.ExitAsync();

        Assert.That(code, Is.Zero);
        Assert.That(clock.Elapsed, Is.InRange(TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(6)));
        Assert.That(await clients[0].EndingAsync(Soon), Is.EqualTo(Ending.Reset));
        Assert.That(scene.Daemon.Log.Skip(told).Any(line => line.Contains('3', StringComparison.Ordinal) && line.Contains("connection", StringComparison.OrdinalIgnoreCase)),
            Is.True, () => $"a line says how many connections are left\n{scene.Daemon.LogText()}");
    }

    [Test]
    public async Task Terminate_WhileItStillStarts_EndsWellAndLeavesNothing()
    {
        // So many that they take longer than the first thing the daemon leaves in its directory.
        var bridges = Enumerable.Range(0, 300).Select(i => new BridgeEntry($"b{i}") { Namespace = "host", Target = "127.0.0.1:9" });
        await using var daemon = await DaemonProcess.LaunchAsync(new DaemonConfig([.. bridges]));
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
        var scene = await SceneAsync(TimeSpan.FromSeconds(2), "handoff");
        var client = await ConnectAsync(scene);
        await client.EchoAsync(Hello);

        var clock = Stopwatch.StartNew();
        await Command.CheckAsync("/bin/sh", "-c", $"kill -TERM {scene.Daemon.Id}; kill -TERM {scene.Daemon.Id}; kill -INT {scene.Daemon.Id}");

        Assert.That(await scene.Daemon.ExitAsync(), Is.Zero);
        Assert.That(clock.Elapsed, Is.GreaterThan(TimeSpan.FromSeconds(1.5)), "connections have their time");
        Assert.That(Directory.GetFileSystemEntries(scene.Daemon.RuntimeDirectory), Is.Empty);
    }

    [Test]
    public async Task Terminate_ToldAgainLater_CutsTheDrainShortAndCleansUp()
    {
        var scene = await SceneAsync(TimeSpan.FromMinutes(1), "handoff");
        var client = await ConnectAsync(scene);
        await client.EchoAsync(Hello);
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
        var scene = await SceneAsync(TimeSpan.FromSeconds(1), "handoff");
        var client = await ConnectAsync(scene);
        await client.EchoAsync(Hello);
        scene.Daemon.Rewrite(new DaemonConfig(scene.Entry) { ShutdownTimeout = TimeSpan.FromSeconds(60) });
        await scene.Daemon.SignalAsync("HUP");
        await scene.Daemon.WaitLogAsync("Reloaded");

        await scene.Daemon.SignalAsync("TERM");
        await scene.Daemon.WaitNotListeningAsync(scene.Listen);
        // Beyond what the first configuration granted, with all that a stop may take in addition.
        await Task.Delay(TimeSpan.FromSeconds(7.5));
        await client.EchoAsync(Hello);

        client.Dispose();
        Assert.That(await scene.Daemon.ExitAsync(), Is.Zero);
    }

    [Test]
    public async Task Terminate_Interrupted_EndsLikeTerminated()
    {
        var scene = await SceneAsync(Serve.Echo);

        await scene.Daemon.SignalAsync("INT");

        Assert.That(await scene.Daemon.ExitAsync(), Is.Zero);
    }

    [Test]
    public async Task Restart_WithConnectionsJustClosed_BindsTheSamePortAtOnce()
    {
        var scene = await SceneAsync(TimeSpan.FromSeconds(1), "handoff");
        var daemon = scene.Daemon;
        for (var restart = 0; restart < 5; restart++)
        {
            var held = await ConnectAsync(scene);
            await held.EchoAsync(Hello);
            var ended = await ConnectAsync(scene);
            await ended.EchoAsync(Hello);
            // The server ends first, so that the daemon's side is the one that lingers in TIME_WAIT.
            ended.Shutdown(SocketShutdown.Send);
            await ended.EndingAsync(Soon);

            await daemon.StopAsync();
            var clock = Stopwatch.StartNew();
            daemon = await StartAsync(new DaemonConfig(scene.Entry) { ShutdownTimeout = TimeSpan.FromSeconds(1) });
            Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(3)));
        }
        await (await ConnectAsync(scene)).EchoAsync(Hello);
    }

    [Test]
    public async Task Start_PortIsTaken_SaysWhichAndServesTheOthers()
    {
        var taken = Own(TargetServer.StartOnHost(FreeEndPoint(), Serve.Nothing));
        var space = await NamespaceAsync();
        var server = Target(space, Serve.Echo);
        var listen = FreeEndPoint();
        await using var daemon = await DaemonProcess.LaunchAsync(new DaemonConfig(
            new BridgeEntry("taken") { Listen = taken.EndPoint.ToString(), Namespace = space.Name, Target = server.EndPoint.ToString() },
            new BridgeEntry("free") { Listen = listen.ToString(), Namespace = space.Name, Target = server.EndPoint.ToString() }));

        await daemon.WaitLogAsync(taken.EndPoint.ToString()!);
        await daemon.WaitListeningAsync(listen);
        await Own(await TestClient.TcpAsync(listen)).EchoAsync(Hello);

        await taken.DisposeAsync();
        await daemon.StopAsync();
        daemon.CheckNoStackTrace();
    }

    private async Task<Scene> SceneAsync(TimeSpan shutdownTimeout, string join)
    {
        var space = await NamespaceAsync();
        var server = Target(space, Serve.Echo);
        var listen = FreeEndPoint();
        var entry = new BridgeEntry("web") { Listen = listen.ToString(), Namespace = space.Name, Target = server.EndPoint.ToString(), Join = join };
        var daemon = await StartAsync(new DaemonConfig(entry) { ShutdownTimeout = shutdownTimeout });
        return new Scene(space, server, daemon, listen, entry);
    }
}
