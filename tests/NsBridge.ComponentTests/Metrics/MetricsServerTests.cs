using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using NsBridge.ComponentTests.Bridges;
using NsBridge.ComponentTests.Logging;
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
    private BridgeParts _parts = null!;

    [SetUp]
    public void Make() => _parts = new BridgeParts(_sockets);

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

    private MetricsServer Make(string listen, LogLines log)
    {
        DaemonSettings settings = LoadedText.Load($$$"""{"NsBridge":{"Metrics":{"Listen":"{{{listen}}}"},"Bridges":[]}}""").Settings!;
        var reports = new Reports();
        reports.Now.Add(Reports.Web);
        return new MetricsServer(settings, new BridgeCounts(reports), _parts.Listening, log.CreateLogger<MetricsServer>());
    }
}
