using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.UnixSocket;

/// <summary>The bridge's UNIX socket as a file: its mode from the first moment, and files that are already at its path.</summary>
[Promise("unix.door")]
internal sealed class UnixSocketFileTests : BridgeFixture
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode AndGroup = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
    private const UnixFileMode Everyone = AndGroup | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    private static readonly byte[] s_hello = Pattern.Take(100);

    [TestCase(null, "000", OwnerOnly)]
    [TestCase(null, "077", OwnerOnly)]
    [TestCase("0660", "077", AndGroup)]
    [TestCase("0666", "077", Everyone)]
    [TestCase("0600", "000", OwnerOnly)]
    public async Task SocketMode_WhateverTheUmask_IsRightFromTheFirstMoment(string? mode, string umask, UnixFileMode wanted)
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        ScratchDirectory folder = Scratch();
        var entry = new BridgeEntry("web")
        {
            Socket = folder["web.sock"],
            SocketMode = mode,
            Namespace = space.Name,
            Target = server.EndPoint.ToString(),
        };
        using var over = new CancellationTokenSource();
        var seen = new HashSet<UnixFileMode>();
        var watching = Task.Run(() =>
        {
            while (!over.IsCancellationRequested)
            {
                if (File.Exists(entry.Socket))
                    seen.Add(File.GetUnixFileMode(entry.Socket));
            }
        });

        await StartAsync(new DaemonConfig(entry), new DaemonLaunch { Umask = umask });
        await Eventually.TrueAsync(() => seen.Count > 0, Soon, "the file was seen");
        await over.CancelAsync();
        await watching;

        Assert.That(seen, Is.EquivalentTo(new[] { wanted }));
        await Own(await TestClient.UnixAsync(entry.Socket!)).EchoAsync(s_hello);
    }

    [Test]
    public async Task SocketGroup_Set_OwnsTheFile()
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { SocketMode = "0660", SocketGroup = "nogroup" });

        Assert.That((await Command.CheckAsync("stat", "-c", "%a %U %G", scene.SocketPath)).Trim(), Is.EqualTo("660 root nogroup"));
    }

    [Test]
    public async Task Socket_StaleFileInItsPlace_IsReplaced()
    {
        ScratchDirectory folder = Scratch();
        string path = folder["web.sock"];
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(path));
            // .NET unlinks what it bound; a daemon that was killed did not.
            File.Move(path, folder["kept"]);
        }
        File.Move(folder["kept"], path);

        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Socket = path });

        await (await ConnectAsync(scene, Door.Unix)).EchoAsync(s_hello);
        await (await ConnectAsync(scene, Door.Tcp)).EchoAsync(s_hello);
    }

    [Test]
    public async Task Socket_LeftByAKilledDaemon_IsTakenOver()
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Socket = Scratch()["web.sock"] });
        await scene.Daemon.SignalAsync("KILL");
        await scene.Daemon.ExitAsync();
        Assert.That(File.Exists(scene.SocketPath), Is.True);

        DaemonProcess next = await StartAsync(scene.Entry);
        // The file of the dead process is at the path until the new one replaces it.
        await next.WaitStatusAsync(bridge => bridge.GetProperty("state").GetString() == "up", "the bridge is up again");

        await (await ConnectAsync(scene, Door.Unix)).EchoAsync(s_hello);
        await (await ConnectAsync(scene, Door.Tcp)).EchoAsync(s_hello);
    }

    [Test]
    public async Task Socket_LinkInItsPlace_IsNotFollowedAndNothingIsTouched()
    {
        ScratchDirectory folder = Scratch();
        string precious = folder.Write("precious", "content");
        File.CreateSymbolicLink(folder["web.sock"], precious);

        await StartInPlaceAsync(folder["web.sock"]);

        Assert.Multiple(() =>
        {
            Assert.That(new FileInfo(folder["web.sock"]).LinkTarget, Is.EqualTo(precious));
            Assert.That(File.ReadAllText(precious), Is.EqualTo("content"));
        });
    }

    [Test]
    public async Task Socket_DanglingLinkInItsPlace_IsNotFollowed()
    {
        ScratchDirectory folder = Scratch();
        File.CreateSymbolicLink(folder["web.sock"], folder["nowhere"]);

        await StartInPlaceAsync(folder["web.sock"]);

        Assert.Multiple(() =>
        {
            Assert.That(new FileInfo(folder["web.sock"]).LinkTarget, Is.EqualTo(folder["nowhere"]));
            Assert.That(File.Exists(folder["nowhere"]), Is.False);
        });
    }

    [Test]
    public async Task Socket_RegularFileInItsPlace_IsNotTouched()
    {
        string precious = Scratch().Write("web.sock", "content");

        await StartInPlaceAsync(precious);

        Assert.That(await File.ReadAllTextAsync(precious), Is.EqualTo("content"));
    }

    [Test]
    public async Task Socket_OfAnotherLivingDaemon_StaysThatDaemons()
    {
        ScratchDirectory folder = Scratch();
        Scene scene = await SceneAsync(Serve.Greeting("first"), entry => entry with { Socket = folder["web.sock"] });

        await StartInPlaceAsync(folder["web.sock"]);
        Assert.That(scene.Server.Accepted, Is.Zero, "whoever asks whether it is served is no client");
        await scene.Daemon.WaitStatusAsync(
            bridge => bridge.GetProperty("connections").GetProperty("total").GetInt64() == 0, "nor counted as one");

        Socket client = await ConnectAsync(scene, Door.Unix);
        Assert.That(await client.ReceiveExactlyAsync(5), Is.EqualTo("first"u8.ToArray()));
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Socket_RemovedWhileItServes_IsMadeAnewAndNobodyElseNoticesIt(string join)
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Join = join, Socket = Scratch()["web.sock"] });
        Socket before = await ConnectAsync(scene, Door.Unix);
        await before.EchoAsync(s_hello);

        File.Delete(scene.SocketPath);
        await (await ConnectAsync(scene, Door.Tcp)).EchoAsync(s_hello);
        await scene.Daemon.WaitListeningAsync(scene.SocketPath);

        Assert.That(File.GetUnixFileMode(scene.SocketPath), Is.EqualTo(OwnerOnly));
        await (await ConnectAsync(scene, Door.Unix)).EchoAsync(s_hello);
        await (await ConnectAsync(scene, Door.Tcp)).EchoAsync(s_hello);
        await before.EchoAsync(s_hello);
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Socket_ReplacedByAnotherServer_IsToldAndThatServerGetsNoClient(string join)
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Join = join, Socket = Scratch()["web.sock"] });
        File.Delete(scene.SocketPath);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(scene.SocketPath));
        listener.Listen();
        TargetServer stranger = Own(TargetServer.Start(listener, Serve.Greeting("stranger")));

        await (await ConnectAsync(scene, Door.Tcp)).EchoAsync(s_hello);
        await scene.Daemon.WaitStatusAsync(
            bridge =>
                bridge.GetProperty("state").GetString() == "failed" && bridge.GetProperty("reason")
                .GetString()!.Contains(scene.SocketPath, StringComparison.Ordinal),
            "it has failed and says why");
        await (await ConnectAsync(scene, Door.Tcp)).EchoAsync(s_hello);

        await stranger.DisposeAsync();
        await scene.Daemon.WaitStatusAsync(bridge => bridge.GetProperty("state").GetString() == "up", "it is up again");
        await (await ConnectAsync(scene, Door.Unix)).EchoAsync(s_hello);
    }

    /// <summary>Starts a daemon whose socket path is taken; its log names the path, whether it ends or not.</summary>
    private async Task StartInPlaceAsync(string path)
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        await using DaemonProcess daemon = await DaemonProcess.LaunchAsync(new DaemonConfig(
            new BridgeEntry("taken") { Socket = path, Namespace = space.Name, Target = server.EndPoint.ToString() }));
        await Eventually.TrueAsync(
            () => daemon.Log.Any(line => line.Contains(path, StringComparison.Ordinal)), Soon, $"the log names {path}");
        if (daemon.HasExited)
            Assert.That(await daemon.ExitAsync(), Is.Not.Zero);
        else
            await daemon.StopAsync();
        daemon.CheckNoStackTrace();
    }
}
