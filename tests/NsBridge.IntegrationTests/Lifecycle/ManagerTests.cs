using System.Net.Sockets;
using System.Text;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Lifecycle;

/// <summary>Whatever becomes of the service manager, bridges go on.</summary>
internal sealed class ManagerTests : BridgeFixture
{
    private static readonly byte[] Hello = Pattern.Take(100);

    [Test]
    public async Task OutOfDescriptors_TheManagerIsStillTold()
    {
        var manager = Listen(out var address);
        var scene = await StartAsync(address);
        var held = await ConnectAsync(scene);
        await held.EchoAsync(Hello);
        var client = await ConnectAsync(scene);
        await client.EchoAsync(Hello);
        await HearAsync(manager, "STATUS=1 up, 0 waiting, 0 failed; 2 connections");

        // The limit is of numbers: what the client gives back cannot be had again either.
        await Command.CheckAsync("prlimit", $"--pid={scene.Daemon.Id}", "--nofile=3:");
        client.Dispose();
        await HearAsync(manager, "STATUS=1 up, 0 waiting, 0 failed; 1 connections");
        await held.EchoAsync(Hello);
        await Command.CheckAsync("prlimit", $"--pid={scene.Daemon.Id}", "--nofile=1024:");
    }

    [Test]
    public async Task TheManagerIsGone_IsToldOnceAndConnectionsGoOn()
    {
        var manager = Listen(out var address);
        var scene = await StartAsync(address);
        await HearAsync(manager, "READY=1");
        manager.Dispose();
        File.Delete(address);

        var held = await ConnectAsync(scene);
        await held.EchoAsync(Hello);
        await scene.Daemon.WaitLogAsync("service manager cannot be told");
        await held.EchoAsync(Hello);
    }

    [Test]
    public async Task TheManagerReadsNothing_EndsInTimeNonetheless()
    {
        var manager = Listen(out var address);
        using var filler = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
        filler.Connect(new UnixDomainSocketEndPoint(address));
        Assert.Throws<SocketException>(() =>
        {
            while (true)
                filler.Send("STATUS=of another process"u8);
        });

        var scene = await StartAsync(address);
        using (var client = await ConnectAsync(scene))
            await client.EchoAsync(Hello);

        await scene.Daemon.SignalAsync("TERM");
        Assert.That(await scene.Daemon.ExitAsync(Soon), Is.Zero);
        manager.Dispose();
    }

    [TestCase("1000")]
    [TestCase("9223372036854775807")]
    public async Task WatchdogInterval_BeyondAllReason_IsNoFault(string microseconds)
    {
        var manager = Listen(out var address);
        var scene = await StartAsync(address, microseconds);
        await HearAsync(manager, "WATCHDOG=1");
        await (await ConnectAsync(scene)).EchoAsync(Hello);
    }

    private Task<Scene> StartAsync(string address, string? watchdog = null) =>
        SceneAsync(Serve.Echo, launch: new DaemonLaunch
        {
            Environment = new Dictionary<string, string?> { ["NOTIFY_SOCKET"] = address, ["WATCHDOG_USEC"] = watchdog },
        });

    private Socket Listen(out string address)
    {
        address = Scratch()["notify"];
        var socket = Own(new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified));
        socket.Bind(new UnixDomainSocketEndPoint(address));
        return socket;
    }

    private static async Task HearAsync(Socket manager, string message)
    {
        using var deadline = new CancellationTokenSource(Soon);
        var buffer = new byte[4096];
        var heard = "";
        while (heard != message)
            heard = Encoding.UTF8.GetString(buffer, 0, await manager.ReceiveAsync(buffer, deadline.Token));
    }
}
