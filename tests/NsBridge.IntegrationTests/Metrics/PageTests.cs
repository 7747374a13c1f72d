using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Metrics;

/// <summary>The page of the published daemon in a real browser.</summary>
[Promise("page")]
internal sealed class PageTests : BridgeFixture
{
    [OneTimeSetUp]
    public static Task InstallAsync() => DebianPackages.RequireAsync("chromium");

    [Test]
    public async Task Page_InABrowserWhileTrafficFlows_ShowsItWithoutAnErrorAndFollows()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        (IPEndPoint listen, IPEndPoint metrics) = (FreeEndPoint(), FreeEndPoint());
        DaemonProcess daemon = await StartAsync(new DaemonConfig(
            new BridgeEntry("web")
            {
                Listen = listen.ToString(),
                Namespace = space.Name,
                Target = server.EndPoint.ToString(),
                Probe = TimeSpan.FromSeconds(1),
            },
            new BridgeEntry("away") { Namespace = "nsbridge-none", Target = "127.0.0.1:80" })
        {
            Metrics = new JsonObject { ["Listen"] = metrics.ToString() },
        });
        await daemon.WaitListeningAsync(metrics);
        Socket client = Own(await TestClient.TcpAsync(listen));
        await client.EchoAsync(Pattern.Take(1000));
        using var end = new CancellationTokenSource();
        Task traffic = TalkAsync(client, end.Token);

        CommandResult browser = await Command.RunAsync(
            "chromium",
            ["--headless", "--no-sandbox", "--disable-gpu", $"--user-data-dir={Scratch()["browser"]}", "--enable-logging=stderr",
                "--virtual-time-budget=10000", "--dump-dom", $"http://{metrics}/"]);
        await end.CancelAsync();
        await traffic;

        string page = browser.Output;
        Assert.That(browser.Error, Does.Not.Contain("CONSOLE"));
        Assert.That(page, Does.Contain("2 bridges, 1 up, 1 waiting").And.Contain("namespace /run/netns/nsbridge-none does not exist"));
        Assert.That(page, Does.Contain("nsbridge doctor away").And.Contain("<span class=\"answers\">answers</span>"));
        Match cell = Regex.Match(page, "data-bytes=\"(\\d+)\".*?class=\"rate\">([\\d.]+) [KMG]?i?B/s</span>.*?points=\"([^\"]+)\"");
        Assert.That(cell.Success, page);
        Assert.That(long.Parse(cell.Groups[1].Value), Is.GreaterThan(1000), "what came after the page was opened");
        Assert.That(cell.Groups[2].Value, Is.Not.EqualTo("0"));
        Assert.That(cell.Groups[3].Value.Split(' '), Has.Length.GreaterThanOrEqualTo(2), "a curve");
    }

    [Test]
    public async Task StatusJson_OfTheServer_IsThatOfTheCommand()
    {
        string path = Scratch()["metrics.sock"];
        DaemonProcess daemon = await StartAsync(new DaemonConfig(
            new BridgeEntry("web") { Listen = FreeEndPoint().ToString(), Namespace = "host", Target = "127.0.0.1:1" })
        {
            Metrics = new JsonObject { ["Listen"] = $"unix:{path}" },
        });

        string served = await Command.CheckAsync("curl", "-s", "--max-time", "5", "--unix-socket", path, "http://localhost/status.json");

        Assert.That(served.Trim(), Is.EqualTo((await daemon.AskAsync("status", "--json")).Output.Trim()));
    }

    private static async Task TalkAsync(Socket client, CancellationToken end)
    {
        byte[] bytes = Pattern.Take(10_000);
        while (!end.IsCancellationRequested)
            await client.EchoAsync(bytes);
    }
}
