using System.Net;
using NsBridge.IntegrationTests.Tcp;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.ProxyProtocol;

/// <summary>The PROXY header as nginx's and HAProxy's own parsers read it.</summary>
internal sealed class ProxyProtocolTests : BridgeFixture
{
    [TestCase("v1", "handoff")]
    [TestCase("v1", "relay")]
    [TestCase("v2", "handoff")]
    [TestCase("v2", "relay")]
    public async Task ProxyHeader_ReadByNginxAndHaProxy_NamesTheClientAndTheListener(string version, string join)
    {
        (DaemonProcess Daemon, int Nginx, int HaProxy) scene = await StartAsync(version, join);

        foreach (int bridge in new[] { scene.Nginx, scene.HaProxy })
        {
            string overV4 = await AskAsync("--interface", "127.0.0.9", "--local-port", "20000-32000", $"http://127.0.0.1:{bridge}/");
            Assert.That(overV4, Does.Match($@"^127\.0\.0\.9\|\d+\|127\.0\.0\.1\|{bridge}$"));
            string overV6 = await AskAsync($"http://[::1]:{bridge}/");
            Assert.That(overV6, Does.Match($@"^::1\|\d+\|::1\|{bridge}$"));
        }
    }

    [TestCase("v1")]
    [TestCase("v2")]
    public async Task ProxyHeader_OfALocalClient_NamesNobody(string version)
    {
        (DaemonProcess Daemon, int Nginx, int HaProxy) scene = await StartAsync(version, "handoff");

        string atNginx = await AskAsync("--unix-socket", scene.Daemon.SocketPath("nginx"), "http://any/");
        string atHaProxy = await AskAsync("--unix-socket", scene.Daemon.SocketPath("haproxy"), "http://any/");

        Assert.Multiple(() =>
        {
            // UNKNOWN and LOCAL carry no address: nginx then has none to show, HAProxy keeps the connection's own.
            Assert.That(atNginx, Does.Match(@"^\|?[^1]*\|").Or.EqualTo("|||"));
            Assert.That(atHaProxy, Does.Match(@"^127\.0\.0\.1\|\d+\|127\.0\.0\.1\|8082$"));
        });
    }

    private static async Task<string> AskAsync(params string[] curl)
    {
        CommandResult result = await Command.RunAsync("curl", ["-sS", "--fail", "--max-time", "15", .. curl]);
        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        return result.Output;
    }

    private async Task<(DaemonProcess Daemon, int Nginx, int HaProxy)> StartAsync(string version, string join)
    {
        TestNamespace space = await NamespaceAsync();
        ScratchDirectory folder = Scratch();
        Own(await Nginx.StartAsync(space, folder));
        Own(await HaProxy.StartAsync(space, folder));
        (int toNginx, int toHaProxy) = (HostSockets.FreePort(), HostSockets.FreePort());
        DaemonProcess daemon = await StartAsync(
            new BridgeEntry("nginx")
            {
                Listen = toNginx,
                Namespace = space.Name,
                Target = Nginx.Proxy,
                ProxyProtocol = version,
                Join = join,
            },
            new BridgeEntry("haproxy")
            {
                Listen = toHaProxy,
                Namespace = space.Name,
                Target = HaProxy.Proxy,
                ProxyProtocol = version,
                Join = join,
            });
        foreach (int port in new[] { toNginx, toHaProxy })
        {
            await daemon.WaitListeningAsync(new IPEndPoint(IPAddress.Loopback, port));
            await daemon.WaitListeningAsync(new IPEndPoint(IPAddress.IPv6Loopback, port));
        }
        return (daemon, toNginx, toHaProxy);
    }
}
