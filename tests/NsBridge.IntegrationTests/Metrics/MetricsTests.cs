using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Metrics;

/// <summary>The Prometheus endpoint of the published daemon, judged by Prometheus' own tool, and what is made for it.</summary>
[Promise("metrics")]
internal sealed class MetricsTests : BridgeFixture
{
    [OneTimeSetUp]
    public static Task InstallAsync() => DebianPackages.RequireAsync("prometheus");

    [Test]
    public async Task Metrics_AfterKnownTraffic_AgreeToTheByteAndPleasePromtool()
    {
        (DaemonProcess? daemon, IPEndPoint? listen, IPEndPoint? at) = await MeteredAsync();
        byte[] bytes = Pattern.Take(12345);
        using (Socket client = await TestClient.TcpAsync(listen))
            await client.EchoAsync(bytes);
        string text = "";
        await Eventually.TrueAsync(
            async () =>
                (text = await FetchAsync(at)).Contains(
                "nsbridge_connections_total{bridge=\"web\",result=\"served\"} 1\n", StringComparison.Ordinal),
            Soon, "the served client is counted");

        Assert.That(text.Split('\n'), Is.SupersetOf(new[]
        {
            "nsbridge_bridge_up{bridge=\"web\"} 1",
            "nsbridge_target_up{bridge=\"web\"} 1",
            "nsbridge_connections_active{bridge=\"web\"} 0",
            "nsbridge_connections_ended_total{bridge=\"web\",outcome=\"closed\"} 1",
            "nsbridge_clients_parked{bridge=\"web\"} 0",
            "nsbridge_bytes_total{bridge=\"web\",direction=\"to_target\"} 12345",
            "nsbridge_bytes_total{bridge=\"web\",direction=\"to_client\"} 12345",
            "nsbridge_connect_seconds_bucket{bridge=\"web\",le=\"+Inf\"} 1",
            "nsbridge_connect_seconds_count{bridge=\"web\"} 1",
        }));
        await PromtoolAsync("check", "metrics", text);
        Assert.That(daemon.HasExited, Is.False);
    }

    [TestCase("POST /metrics HTTP/1.1\r\n\r\n", "405")]
    [TestCase("GET /x HTTP/1.1\r\n\r\n", "404")]
    [TestCase("GET / HTTP/1.1\r\nHost: another.example\r\n\r\n", "403")]
    [TestCase("nonsense\r\n\r\n", "400")]
    public async Task Metrics_AskedWrongly_AnswersPlainly(string request, string code)
    {
        (DaemonProcess _, IPEndPoint _, IPEndPoint? at) = await MeteredAsync();
        using Socket client = await TestClient.TcpAsync(at);
        await client.SendAsync(Encoding.ASCII.GetBytes(request));

        string answer = await new StreamReader(new NetworkStream(client)).ReadToEndAsync().WaitAsync(Soon);

        Assert.That(answer, Does.StartWith($"HTTP/1.1 {code} "));
    }

    [Test]
    public async Task Metrics_AmongHundredsOfSilentClients_AreStillServed()
    {
        (DaemonProcess _, IPEndPoint _, IPEndPoint? at) = await MeteredAsync();
        for (int i = 0; i < 300; i++)
            Own(await TestClient.TcpAsync(at));

        Assert.That(await FetchAsync(at), Does.Contain("nsbridge_bridge_up"));
    }

    [Test]
    public async Task Metrics_OnAUnixSocket_AreServedAndTheFileGoes()
    {
        string path = Scratch()["metrics.sock"];
        DaemonProcess daemon = await MeteredAtAsync(path);

        Assert.That(await FetchAsync(path), Does.Contain("nsbridge_bridge_up"));
        await daemon.StopAsync();
        Assert.That(File.Exists(path), Is.False);
    }

    [Test]
    public async Task Metrics_SocketIsRemovedAndItsFolderToo_AreServedAgainOnceTheyCanBe()
    {
        string folder = Directory.CreateDirectory(Scratch()["metrics"]).FullName;
        string path = Path.Combine(folder, "metrics.sock");
        DaemonProcess daemon = await MeteredAtAsync(path);

        Directory.Delete(folder, recursive: true);
        await daemon.WaitLogAsync("Metrics cannot be served yet");
        Directory.CreateDirectory(folder);

        await daemon.WaitAsync(() => File.Exists(path), "the socket is there again");
        Assert.That(await FetchAsync(path), Does.Contain("nsbridge_bridge_up"));
        await daemon.StopAsync();
        Assert.That(File.Exists(path), Is.False);
    }

    [Test]
    public async Task AlertsAndDashboard_ShippedWithIt_PleasePromtoolAndNameOnlyItsMetrics()
    {
        string alerts = Path.Combine(Repository.Root, "deploy", "alerts.yml");
        await Command.CheckAsync("promtool", "check", "rules", alerts);

        JsonNode dashboard = JsonNode.Parse(
            await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", "grafana-dashboard.json")))!;
        var expressions = dashboard["panels"]!.AsArray().SelectMany(panel => panel!["targets"]!.AsArray())
            .Select(target => target!["expr"]!.GetValue<string>()).ToList();
        Assert.That(expressions, Is.Not.Empty);
        var rules = new StringBuilder("groups:\n- name: dashboard\n  rules:\n");
        foreach (string? expression in expressions)
        {
            string text = expression.Replace("$__rate_interval", "5m", StringComparison.Ordinal)
                .Replace("$instance", ".*", StringComparison.Ordinal).Replace("$bridge", ".*", StringComparison.Ordinal);
            rules.Append(CultureInfo.InvariantCulture,
                $"  - record: a:b\n    expr: {JsonSerializer.Serialize(text)}\n    labels: {{ n: \"{rules.Length}\" }}\n");
        }

        await Command.CheckAsync("promtool", "check", "rules", Scratch().Write("rules.yml", rules.ToString()));

        (DaemonProcess _, IPEndPoint _, IPEndPoint? at) = await MeteredAsync();
        string metrics = "";
        await Eventually.TrueAsync(
            async () => (metrics = await FetchAsync(at)).Contains("nsbridge_target_up{", StringComparison.Ordinal),
            Soon, "a probe was answered");
        var served = Regex.Matches(metrics, @"^(nsbridge_\w+)", RegexOptions.Multiline).Select(match => match.Value)
            .ToHashSet();
        IEnumerable<string> named = Regex.Matches(string.Join(' ', expressions) + await File.ReadAllTextAsync(alerts), @"nsbridge_\w+")
            .Select(match => match.Value).Distinct();
        Assert.That(named, Is.SubsetOf(served));
    }

    private async Task<DaemonProcess> MeteredAtAsync(string path)
    {
        TestNamespace space = await NamespaceAsync();
        return await StartAsync(new DaemonConfig(
            new BridgeEntry("web") { Listen = FreeEndPoint().ToString(), Namespace = space.Name, Target = "127.0.0.1:3000" })
        {
            Metrics = new JsonObject { ["Listen"] = $"unix:{path}" },
        });
    }

    private async Task<(DaemonProcess Daemon, IPEndPoint Listen, IPEndPoint Metrics)> MeteredAsync()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        (IPEndPoint? listen, IPEndPoint? metrics) = (FreeEndPoint(), FreeEndPoint());
        DaemonProcess daemon = await StartAsync(
            new DaemonConfig(new BridgeEntry("web")
            {
                Listen = listen.ToString(),
                Namespace = space.Name,
                Target = server.EndPoint.ToString(),
                Probe = TimeSpan.FromSeconds(1),
            })
            {
                Metrics = new JsonObject { ["Listen"] = metrics.ToString() },
            });
        await daemon.WaitListeningAsync(metrics);
        return (daemon, listen, metrics);
    }

    private static Task<string> FetchAsync(string path) =>
        Command.CheckAsync("curl", "--silent", "--max-time", "5", "--unix-socket", path, "http://localhost/metrics");

    private static async Task<string> FetchAsync(IPEndPoint at)
    {
        using var client = new HttpClient { Timeout = Soon };
        using HttpResponseMessage answer = await client.GetAsync(new Uri($"http://{at}/metrics"));
        Assert.That(answer.Content.Headers.ContentType!.ToString(), Is.EqualTo("text/plain; version=0.0.4; charset=utf-8"));
        return await answer.Content.ReadAsStringAsync();
    }

    private async Task PromtoolAsync(string verb, string what, string input)
    {
        string file = Scratch().Write("input", input);
        await Command.CheckAsync("/bin/sh", "-c", $"promtool {verb} {what} < {file}");
    }
}
