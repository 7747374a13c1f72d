using System.Net;
using System.Security.Cryptography;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Tcp;

internal sealed class WebServerTests : BridgeFixture
{
    private const int Length = 64 << 20;

    [TestCase("handoff")]
    [TestCase("relay")]
    [Promise("unix.door")]
    public async Task Download_64MiBFromNginx_IsExactThroughBothDoors(string join)
    {
        ScratchDirectory folder = Scratch();
        (DaemonProcess? daemon, IPEndPoint? listen) = await StartAsync(folder, join);
        byte[] content = Pattern.Take(Length);
        await File.WriteAllBytesAsync(Path.Combine(folder["www"], "file"), content);

        await Command.CheckAsync("curl", "-sS", "--fail", "-o", folder["tcp"], $"http://{listen}/file");
        await Command.CheckAsync("curl", "-sS", "--fail", "-o", folder["unix"], "--unix-socket", daemon.SocketPath("web"),
            "http://any/file");

        string wanted = Convert.ToHexString(SHA256.HashData(content));
        Assert.Multiple(() =>
        {
            Assert.That(Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(folder["tcp"]))), Is.EqualTo(wanted));
            Assert.That(Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(folder["unix"]))), Is.EqualTo(wanted));
        });
    }

    [TestCase("handoff", true)]
    [TestCase("handoff", false)]
    [TestCase("relay", true)]
    [TestCase("relay", false)]
    public async Task Wrk_HundredConnections_SeesNoError(string join, bool keepAlive)
    {
        await DebianPackages.RequireAsync("wrk");
        ScratchDirectory folder = Scratch();
        (DaemonProcess _, IPEndPoint? listen) = await StartAsync(folder, join);
        await File.WriteAllBytesAsync(Path.Combine(folder["www"], "file"), Pattern.Take(1000));

        string[] header = keepAlive ? [] : ["-H", "Connection: close"];
        string report = await Command.CheckAsync("wrk", ["-c100", "-t2", "-d1s", "--timeout", "10s", .. header, $"http://{listen}/file"]);

        TestContext.Out.WriteLine(report);
        Assert.Multiple(() =>
        {
            Assert.That(report, Does.Not.Contain("Socket errors"));
            Assert.That(report, Does.Not.Contain("Non-2xx"));
            Assert.That(report, Does.Match(@"[1-9][0-9]* requests in "));
        });
    }

    private async Task<(DaemonProcess Daemon, IPEndPoint Listen)> StartAsync(ScratchDirectory folder, string join)
    {
        TestNamespace space = await NamespaceAsync();
        Own(await Nginx.StartAsync(space, folder));
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(
            new BridgeEntry("web") { Listen = listen.ToString(), Namespace = space.Name, Target = Nginx.Files, Join = join });
        return (daemon, listen);
    }
}
