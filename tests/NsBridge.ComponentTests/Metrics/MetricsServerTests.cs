using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using NsBridge.Bridges;
using NsBridge.ComponentTests.Bridges;
using NsBridge.ComponentTests.Logging;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Fixtures;
using NsBridge.Metrics;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Metrics;

/// <summary>Metrics that cannot be served yet keep nothing else from starting.</summary>
internal sealed class MetricsServerTests
{
    private readonly ActivationSockets _sockets = ActivationSockets.Adopt([]);
    private Reports _reports = null!;
    private BridgeParts _parts = null!;

    [SetUp]
    public void Make()
    {
        _reports = new Reports();
        _reports.Now.Add(Reports.Web);
        _parts = new BridgeParts(_sockets);
    }

    [TearDown]
    public void End() => _parts.Dispose();

    [OneTimeTearDown]
    public void Release() => _sockets.Dispose();

    [Test]
    public async Task Start_AnotherProgramHasTheAddress_WarnsOnceAndServesWhenItIsFree()
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();
        var at = (IPEndPoint)other.LocalEndPoint!;
        using var log = new LogLines();
        await using MetricsServer server = Make(at.ToString(), log);

        await server.StartAsync(CancellationToken.None);
        Assert.That(log.WithLevels, Has.Count.EqualTo(1));
        Assert.That(log.WithLevels.Single(), Does.StartWith("Warning").And.Contain("NsBridge:Metrics:Listen").And.Contain("another program"));

        other.Dispose();
        await Eventually.TrueAsync(() => Task.FromResult(log.WithLevels.Count == 2), TimeSpan.FromSeconds(5), "it is told");
        Assert.That(log.WithLevels[1], Does.StartWith("Information").And.Contain(at.ToString()));
        using var client = new HttpClient();
        Assert.That(await client.GetStringAsync(new Uri($"http://{at}/metrics")), Does.Contain("nsbridge_bridge_up"));
    }

    [Test]
    public async Task Start_OneOfTwoAddressesIsTaken_ServesTheOtherAndThatOneWhenItIsFree()
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();
        int port = ((IPEndPoint)other.LocalEndPoint!).Port;
        using var log = new LogLines();
        await using MetricsServer server = Make($"localhost:{port}", log);
        using var client = new HttpClient();

        await server.StartAsync(CancellationToken.None);
        Assert.That(await client.GetStringAsync(new Uri($"http://[::1]:{port}/metrics")), Does.Contain("nsbridge_bridge_up"));
        Assert.That(log.WithLevels[^1], Does.StartWith("Warning").And.Contain($"127.0.0.1:{port}").And.Contain("another program"));

        other.Dispose();
        await Eventually.TrueAsync(() => Task.FromResult(log.WithLevels.Count == 3), TimeSpan.FromSeconds(5), "it is logged");
        Assert.That(await client.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics")), Does.Contain("nsbridge_bridge_up"));
    }

    [TestCase("192.0.2.1:9464", "no interface has that address")]
    [TestCase("[fe80::1%nsbridge-none]:9464", "no interface nsbridge-none")]
    public async Task Start_TheAddressIsNotThereYet_WarnsAndEndsWell(string listen, string why)
    {
        using var log = new LogLines();
        await using MetricsServer server = Make(listen, log);

        await server.StartAsync(CancellationToken.None);
        await server.StopAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(5));

        Assert.That(log.WithLevels.Single(), Does.StartWith("Warning").And.Contain(why));
    }

    [Test]
    [Promise("page")]
    public async Task Page_OfHostileNames_ShowsThemHarmlessly()
    {
        _reports.Now[0] = Reports.Web with
        {
            State = BridgeState.Failed,
            Reason = "<script>alert(1)</script>\e[31m\u202e\"'&" + new string('x', 4096),
            NamespaceReference = "</table><img src=x onerror=alert(2)>",
            Target = "{table}",
            TargetState = TargetState.Refuses,
        };
        using var log = new LogLines();
        string at = $"127.0.0.1:{HostSockets.FreePort()}";
        await using MetricsServer server = Make(at, log);
        await server.StartAsync(CancellationToken.None);
        using var client = new HttpClient();

        using HttpResponseMessage answer = await client.GetAsync(new Uri($"http://{at}/"));
        string page = await answer.Content.ReadAsStringAsync();

        Assert.That(page, Does.Contain("&lt;script&gt;alert(1)&lt;/script&gt;\ufffd[31m\ufffd&quot;&#39;&amp;xxxx"));
        Assert.That(page, Does.Contain("onerror=alert(2)&gt;"));
        Assert.That(page, Does.Not.Contain("<script>alert").And.Not.Contain("<img").And.Contain("<span class=\"refuses\">refuses</span>"));
        Assert.That(Regex.Count(page, "<table>"), Is.EqualTo(1));
        Assert.That(page, Does.Contain("nsbridge doctor web").And.Contain("data-bytes=\"3221225472\""));
        string policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.That(policy, Does.StartWith("default-src 'none'; ").And.Not.Contain("unsafe"));
    }

    [Test]
    [Promise("page")]
    public async Task Page_WithFiftyReadersThatReadNothing_IsServedToTheNext()
    {
        _reports.Now.AddRange(Enumerable.Range(0, 20).Select(i => Reports.Web with { Name = $"b{i}", Reason = new string('x', 1000) }));
        using var log = new LogLines();
        var at = new IPEndPoint(IPAddress.Loopback, HostSockets.FreePort());
        await using MetricsServer server = Make(at.ToString(), log);
        await server.StartAsync(CancellationToken.None);
        var slow = new List<Socket>();
        for (int i = 0; i < 50; i++)
        {
            slow.Add(await TestClient.TcpAsync(at));
            await slow[^1].SendAllAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        }

        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(20) };
        string json = await client.GetStringAsync(new Uri($"http://{at}/status.json"));

        Assert.That(JsonNode.Parse(json)!["bridges"]!.AsArray(), Has.Count.EqualTo(21));
        slow.ForEach(reader => reader.Dispose());
    }

    private MetricsServer Make(string listen, LogLines log)
    {
        DaemonSettings settings = LoadedText.Load($$$"""{"NsBridge":{"Metrics":{"Listen":"{{{listen}}}"},"Bridges":[]}}""").Settings!;
        var loader = new ConfigurationLoader("/etc/other.json", new Dictionary<string, string>());
        return new MetricsServer(settings, loader, _reports, _parts.Listening, log.CreateLogger<MetricsServer>());
    }
}
