using System.Globalization;
using System.Net;
using System.Text.Json;
using NsBridge.IntegrationTests.Tcp;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Udp;

/// <summary>Real servers and clients of UDP.</summary>
internal sealed class ServiceTests : UdpFixture
{
    private const int DnsPort = 5353;

    [Test]
    public async Task DnsServer_AskedOverBothProtocolsOnOnePort_Answers()
    {
        await DebianPackages.RequireAsync("dnsmasq-base", "dnsutils");
        TestNamespace space = await NamespaceAsync();
        // A name with many addresses: its answer is too long for a plain datagram, and dig asks again over TCP.
        IEnumerable<string> records = Enumerable.Range(1, 200).Select(host => $"--host-record=many.example,10.1.0.{host}");
        using BackgroundProcess server = space.Start("dnsmasq", [
            "--keep-in-foreground", "--no-resolv", "--no-hosts", "--no-daemon", "--conf-file=/dev/null", "--pid-file=",
            "--listen-address=127.0.0.1", "--bind-interfaces", $"--port={DnsPort}", "--address=/one.example/192.0.2.7", .. records,
        ]);
        await Nginx.ReadyAsync(space, server, DnsPort);
        IPEndPoint listen = FreeEndPoint();
        BridgeEntry udp = Entry("dns", listen.ToString(), space, $"127.0.0.1:{DnsPort}");
        await StartAsync(udp, udp with { Name = "dns-tcp", Protocol = "tcp" });

        Assert.That((await DigAsync(listen, "one.example", "+notcp")).Trim(), Is.EqualTo("192.0.2.7"));
        Assert.That((await DigAsync(listen, "one.example", "+tcp")).Trim(), Is.EqualTo("192.0.2.7"));
        Assert.That((await DigAsync(listen, "many.example", "+bufsize=512")).Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length
            .EqualTo(200));
    }

    [TestCase("udp")]
    [TestCase("tcp")]
    public async Task DnsServer_UnderLoad_LosesNoQuery(string protocol)
    {
        // Not dnsmasq: it takes a hundred queries of a TCP connection and no more.
        await DebianPackages.RequireAsync("knot", "dnsperf");
        TestNamespace space = await NamespaceAsync();
        ScratchDirectory folder = Scratch();
        folder.Write("example.zone", "$TTL 300\n@ SOA ns root 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\none A 192.0.2.7\n");
        string settings = folder.Write("knot.conf", $"""
            server:
                listen: 127.0.0.1@{DnsPort}
                rundir: {folder.FullName}
                udp-workers: 1
                tcp-workers: 1
            database:
                storage: {folder.FullName}
            zone:
              - domain: example.
                file: {folder["example.zone"]}
                zonefile-load: whole
                journal-content: none
            """);
        using BackgroundProcess server = space.Start("knotd", "--config", settings);
        await Nginx.ReadyAsync(space, server, DnsPort);
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(Entry("dns", listen.ToString(), space, $"127.0.0.1:{DnsPort}") with { Protocol = protocol });

        string result = await Command.CheckAsync(
            "dnsperf", "-m", protocol, "-s", "127.0.0.1", "-p", listen.Port.ToString(CultureInfo.InvariantCulture),
            "-d", Scratch().Write("queries", "one.example A\n"), "-l", "1", "-Q", "3000", "-c", "4");

        Assert.That(result, Does.Match(@"Queries sent: +[1-9][0-9]{3}").And.Match(@"Queries lost: +0 "));
        Assert.That(result, Does.Match(@"NOERROR [0-9]+ \(100\.00%\)"));
    }

    [Test]
    public async Task Quic_WhoseClientChangesItsPort_DownloadsWhole()
    {
        await DebianPackages.RequireAsync("ngtcp2-client", "ngtcp2-server", "openssl");
        const int Inside = 4433;
        const int Size = 20_000_000;
        TestNamespace space = await NamespaceAsync();
        (ScratchDirectory? site, ScratchDirectory? got) = (Scratch(), Scratch());
        await File.WriteAllBytesAsync(site["page"], Pattern.Take(Size));
        await Command.CheckAsync(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
            "-keyout", site["key"], "-out", site["certificate"]);
        using BackgroundProcess server =
            space.Start("gtlsserver", "--quiet", "--htdocs", site.FullName, "127.0.0.1", $"{Inside}", site["key"], site["certificate"]);
        await Eventually.TrueAsync(async () => (await space.RunAsync("ss", "-Huln", $"sport = :{Inside}")).Length > 0, Soon,
            "a QUIC server");
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(Entry("quic", listen.ToString(), space, $"127.0.0.1:{Inside}"));

        await Command.CheckAsync(
            "gtlsclient", "--quiet", "--no-quic-dump", "--no-http-dump", "--exit-on-all-streams-close", "--change-local-addr=20ms",
            "--download", got.FullName,
            "127.0.0.1", $"{listen.Port}", $"https://localhost/page");

        Assert.That(await File.ReadAllBytesAsync(got["page"]), Is.EqualTo(Pattern.Take(Size)));
        Assert.That(await CountAsync(daemon, "total"), Is.EqualTo(2), "a flow for each of the client's ports");
    }

    [TestCase("forwards")]
    [TestCase("backwards")]
    public async Task Iperf_AtAModestRate_LosesNothing(string way)
    {
        await DebianPackages.RequireAsync("iperf3");
        const int Inside = 5201;
        const double MostLost = 0.5;
        TestNamespace space = await NamespaceAsync();
        using BackgroundProcess server =
            space.Start("iperf3", "--server", "--bind", "127.0.0.1", "--port", Inside.ToString(CultureInfo.InvariantCulture));
        await Nginx.ReadyAsync(space, server, Inside);
        // Its control connection goes over TCP, on the same port.
        IPEndPoint listen = FreeEndPoint();
        BridgeEntry udp = Entry("iperf", listen.ToString(), space, $"127.0.0.1:{Inside}");
        await StartAsync(udp, udp with { Name = "iperf-tcp", Protocol = "tcp" });

        string[] arguments =
        [
            "--client", "127.0.0.1", "--port", listen.Port.ToString(CultureInfo.InvariantCulture),
            "--udp", "--bitrate", "50M", "--length", "1200", "--time", "2", "--json",
        ];
        if (way == "backwards")
            arguments = [.. arguments, "--reverse"];
        double lost = 100.0;
        // If the machine takes the processor away for longer than a receiver's buffer lasts, iperf3's own loses some too: one of several
        // runs has none.
        for (int run = 0; run < 4 && lost >= MostLost; run++)
        {
            CommandResult result = await Command.RunAsync("iperf3", arguments);
            Assert.That(result.ExitCode, Is.Zero, result.Everything);
            JsonElement sum = JsonDocument.Parse(result.Output).RootElement.GetProperty("end").GetProperty("sum");
            TestContext.Out.WriteLine($"{sum.GetProperty("packets")} packets, {sum.GetProperty("lost_packets")} lost");
            Assert.That(sum.GetProperty("packets").GetInt64(), Is.GreaterThan(5000));
            lost = sum.GetProperty("lost_percent").GetDouble();
        }
        Assert.That(lost, Is.LessThan(MostLost), "percent, of the best run");
    }

    private static Task<string> DigAsync(IPEndPoint at, string name, string option) => Command.CheckAsync(
        "dig", $"@{at.Address}", "-p", at.Port.ToString(CultureInfo.InvariantCulture), "+short", "+time=3", "+tries=2", option, name, "A");
}
