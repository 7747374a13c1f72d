using System.Globalization;
using NsBridge.IntegrationTests.Tcp;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Udp;

/// <summary>The PROXY header of a UDP flow as Knot DNS reads it, which answers each query with the client's address.</summary>
internal sealed class ProxyHeaderTests : UdpFixture
{
    private const int DnsPort = 5353;

    [TestCase(1)]
    [TestCase(2)]
    public async Task ProxyHeader_ReadByKnotDns_NamesTheClient(int daemons)
    {
        await DebianPackages.RequireAsync("knot", "dnsutils");
        TestNamespace space = await NamespaceAsync();
        ScratchDirectory folder = Scratch();
        string settings = folder.Write("knot.conf", $"""
            server:
                listen: 127.0.0.1@{DnsPort}
                rundir: {folder.FullName}
                proxy-allowlist: 127.0.0.1
            database:
                storage: {folder.FullName}
            zone:
              - domain: who.example.
                file: {folder.Write("who.zone", "@ 1 SOA ns root 1 3600 600 86400 300\n@ 1 NS ns\n")}
                module: mod-whoami
            """);
        using BackgroundProcess server = space.Start("knotd", "--config", settings);
        await Nginx.ReadyAsync(space, server, DnsPort);
        int port = HostSockets.FreePort();
        string socket = folder["dns.sock"];
        BridgeEntry inner = new("inner")
        {
            Protocol = "udp",
            Socket = socket,
            Namespace = space.Name,
            Target = $"127.0.0.1:{DnsPort}",
            ProxyProtocol = "v2",
            IdleTimeout = TimeSpan.FromSeconds(5)
        };
        await StartAsync(daemons == 1 ? inner with { Listen = port } : inner);
        if (daemons == 2)
            await StartAsync(new BridgeEntry("outer") { Protocol = "udp", Socket = socket, Listen = port });

        await Eventually.TrueAsync(
            async () => await AskAsync("127.0.0.1", port, "127.0.0.9", "A") == "127.0.0.9", Soon, "the client's address");
        Assert.That(await AskAsync("::1", port, "::1", "AAAA"), Is.EqualTo("::1"));
    }

    private static async Task<string> AskAsync(string listener, int port, string client, string type) => (await Command.RunAsync(
        "dig",
        [
            $"@{listener}", "-p", port.ToString(CultureInfo.InvariantCulture), "-b", client, "+short", "+time=1", "+tries=1",
            "who.example", type,
        ])).Output.Trim();
}
