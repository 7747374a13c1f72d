using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Halves;

/// <summary>The outer and the inner half in two daemons, joined by the UNIX socket alone.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class HalvesTests : BridgeFixture
{
    private static readonly byte[] s_hello = Pattern.Take(100_000);

    [TestCase(null)]
    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Halves_InTwoDaemons_ServeAsOne(string? join)
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Listen = null, Socket = Scratch()["web.sock"] });
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("outer") { Listen = listen.ToString(), Socket = scene.SocketPath, Join = join });

        Socket client = Own(await TestClient.TcpAsync(listen));
        await client.EchoAsync(s_hello);
        client.Shutdown(SocketShutdown.Send);
        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Closed));

        Socket resetting = Own(await TestClient.TcpAsync(listen));
        await resetting.EchoAsync(s_hello);
        resetting.Reset();
        await Eventually.TrueAsync(() => scene.Server.Resets == 1, Soon, "the reset arrives");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Halves_ClientResetsRightAfterItsBytes_TheTargetGetsThem(string join)
    {
        const int clients = 200;
        int served = 0;
        Scene scene = await SceneAsync(
            async (connection, cancel) =>
            {
                await connection.ReceiveExactlyAsync(8, cancel);
                Interlocked.Increment(ref served);
            },
            entry => entry with { Listen = null, Socket = Scratch()["web.sock"] });
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(new BridgeEntry("outer") { Listen = listen.ToString(), Socket = scene.SocketPath, Join = join });

        await SpeakAndResetAsync(listen, clients, s_hello.AsMemory(0, 8));

        await Eventually.TrueAsync(() => Volatile.Read(ref served) == clients, Soon, "all of it arrives");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task OuterHalf_InnerIsNotThereYet_ServesOnceItIs(string join)
    {
        (string? path, IPEndPoint? listen, DaemonProcess _) = await OuterWithoutInnerAsync(join);

        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Listen = null, Socket = path });
        await Eventually.TrueAsync(() => EchoesAsync(listen), Soon, "the inner half is found");

        await scene.Daemon.StopAsync();
        Assert.That(await TestClient.EndingAsync(listen), Is.EqualTo(Ending.Reset));
        await StartAsync(scene.Entry);
        await Eventually.TrueAsync(() => EchoesAsync(listen), Soon, "the inner half is found again");
    }

    [Test]
    public async Task OuterHalf_RelaysToAnInnerHalfThatComesBack_IsUpAgainWithoutAClient()
    {
        (string? path, IPEndPoint? listen, DaemonProcess? outer) = await OuterWithoutInnerAsync();
        await outer.WaitLogAsync("Bridge outer is waiting");

        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Listen = null, Socket = path });
        await outer.WaitStatusAsync(State("up"), "it is up again");
        await outer.WaitLogAsync("Bridge outer is up", outer.Log.ToList()
            .FindIndex(line => line.Contains("is waiting", StringComparison.Ordinal)));

        Assert.That(scene.Server.Accepted, Is.Zero, "looking dials nothing");
        await scene.Daemon.WaitStatusAsync(
            bridge => bridge.GetProperty("connections").GetProperty("total").GetInt64() == 0, "nor is it a client");
        Assert.That(await EchoesAsync(listen));
    }

    [Test]
    public async Task OuterHalf_RelaysToAnotherProgramThatComesBack_LooksOnceAndIsUpAgain()
    {
        (string? path, IPEndPoint? listen, DaemonProcess? outer) = await OuterWithoutInnerAsync();
        await outer.WaitStatusAsync(State("waiting"), "it says that nothing is there");

        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        TargetServer program = Own(TargetServer.Start(listener, Serve.Echo));
        await outer.WaitStatusAsync(State("up"), "it is up again");

        Assert.That(await EchoesAsync(listen));
        Assert.That(program.Accepted, Is.LessThanOrEqualTo(2));
    }

    [TestCase("tcp", "nsbridge handoff 1\n")]
    [TestCase("udp", "nsbridge datagrams 1\n")]
    public async Task OuterHalf_AnotherUserBehindTheSocket_HandsNothingOver(string protocol, string greeting)
    {
        ScratchDirectory folder = Scratch();
        folder.OpenToEveryone();
        string path = folder["web.sock"];
        // Speaks as an inner half does, and it is root's: the daemon is not.
        int handed = 0;
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        Own(TargetServer.Start(listener, async (connection, cancel) =>
        {
            await connection.SendAsync(Encoding.ASCII.GetBytes(greeting), cancel);
            Interlocked.Add(ref handed, await connection.ReceiveAsync(new byte[1], cancel));
        }));
        IPEndPoint listen = FreeEndPoint();
        var entry = new BridgeEntry("outer")
        {
            Protocol = protocol,
            Listen = listen.ToString(),
            Socket = path,
            Join = protocol == "tcp" ? "handoff" : null
        };
        DaemonProcess outer = await StartAsync(new DaemonConfig(entry), new DaemonLaunch { User = "nobody" });

        await outer.WaitStatusAsync(
            bridge => bridge.GetProperty("reason").GetString()!.Contains("nsbridge of this user", StringComparison.Ordinal), "it says so");
        if (protocol == "tcp")
            Assert.That(await TestClient.EndingAsync(listen), Is.EqualTo(Ending.Reset));
        Assert.That(handed, Is.Zero);
    }

    /// <summary>An outer half alone that a client has come to in vain.</summary>
    private async Task<(string Path, IPEndPoint Listen, DaemonProcess Outer)> OuterWithoutInnerAsync(string? join = null)
    {
        string path = Scratch()["web.sock"];
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess outer = await StartAsync(new BridgeEntry("outer") { Listen = listen.ToString(), Socket = path, Join = join });
        Assert.That(await TestClient.EndingAsync(listen), Is.EqualTo(Ending.Reset));
        return (path, listen, outer);
    }

    private static Func<JsonElement, bool> State(string state) => bridge => bridge.GetProperty("state").GetString() == state;
}
