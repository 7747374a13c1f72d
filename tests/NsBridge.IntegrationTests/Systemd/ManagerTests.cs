using System.Net.Sockets;
using System.Text;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Systemd;

/// <summary>Bridges continue whatever happens to the service manager.</summary>
internal sealed class ManagerTests : BridgeFixture
{
    private static readonly byte[] s_hello = Pattern.Take(100);

    [Test]
    public async Task OutOfDescriptors_TheManagerIsStillTold()
    {
        Socket manager = Listen(out string? address);
        Scene scene = await StartAsync(address);
        Socket held = await ConnectAsync(scene);
        await held.EchoAsync(s_hello);
        Socket client = await ConnectAsync(scene);
        await client.EchoAsync(s_hello);
        await HearAsync(manager, "STATUS=1 up, 0 waiting, 0 failed; 2 connections");

        // The limit is of numbers: what the client gives back cannot be had again either.
        await Command.CheckAsync("prlimit", $"--pid={scene.Daemon.Id}", "--nofile=3:");
        client.Dispose();
        await HearAsync(manager, "STATUS=1 up, 0 waiting, 0 failed; 1 connections");
        await held.EchoAsync(s_hello);
        await Command.CheckAsync("prlimit", $"--pid={scene.Daemon.Id}", "--nofile=1024:");
    }

    [Test]
    public async Task TheManagerIsGone_IsToldOnceAndConnectionsGoOn()
    {
        Socket manager = Listen(out string? address);
        Scene scene = await StartAsync(address);
        await HearAsync(manager, "READY=1");
        manager.Dispose();
        File.Delete(address);

        Socket held = await ConnectAsync(scene);
        await held.EchoAsync(s_hello);
        await scene.Daemon.WaitLogAsync("service manager cannot be reached");
        await held.EchoAsync(s_hello);
    }

    [Test]
    public async Task TheManagerReadsNothing_EndsInTimeNonetheless()
    {
        Socket manager = Listen(out string? address);
        using var filler = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
        filler.Connect(new UnixDomainSocketEndPoint(address));
        Assert.Throws<SocketException>(() =>
        {
            while (true)
                filler.Send("STATUS=of another process"u8);
        });

        Scene scene = await StartAsync(address);
        using (Socket client = await ConnectAsync(scene))
            await client.EchoAsync(s_hello);

        await scene.Daemon.SignalAsync("TERM");
        Assert.That(await scene.Daemon.ExitAsync(Soon), Is.Zero);
        manager.Dispose();
    }

    [TestCase("1000")]
    [TestCase("9223372036854775807")]
    public async Task WatchdogInterval_BeyondAllReason_IsNoFault(string microseconds)
    {
        Socket manager = Listen(out string? address);
        Scene scene = await StartAsync(address, microseconds);
        await HearAsync(manager, "WATCHDOG=1");
        await (await ConnectAsync(scene)).EchoAsync(s_hello);
    }

    private Task<Scene> StartAsync(string address, string? watchdog = null) =>
        SceneAsync(Serve.Echo, launch: new DaemonLaunch
        {
            Environment = new Dictionary<string, string?> { ["NOTIFY_SOCKET"] = address, ["WATCHDOG_USEC"] = watchdog },
        });

    private Socket Listen(out string address)
    {
        address = Scratch()["notify"];
        Socket socket = Own(new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified));
        socket.Bind(new UnixDomainSocketEndPoint(address));
        return socket;
    }

    private static async Task HearAsync(Socket manager, string message)
    {
        using var deadline = new CancellationTokenSource(Soon);
        byte[] buffer = new byte[4096];
        string heard = "";
        while (heard != message)
            heard = Encoding.UTF8.GetString(buffer, 0, await manager.ReceiveAsync(buffer, deadline.Token));
    }
}
