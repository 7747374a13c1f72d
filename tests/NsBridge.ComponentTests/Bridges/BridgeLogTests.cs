using System.Net;
using Microsoft.Extensions.Logging;
using NsBridge.Bridges.Lifecycle;
using NsBridge.ComponentTests.Hosting;
using NsBridge.ComponentTests.Logging;
using NsBridge.Configuration.Settings;
using NsBridge.Fixtures;
using NsBridge.Relaying.Halves;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>What a bridge says in the log.</summary>
internal sealed class BridgeLogTests
{
    private LogLines _log = null!;
    private ActivationSockets _sockets = null!;
    private BridgeParts _parts = null!;

    [SetUp]
    public void Make()
    {
        _log = new LogLines();
        _sockets = ActivationSockets.Adopt([]);
        _parts = new BridgeParts(_sockets, _log);
    }

    [TearDown]
    public void End()
    {
        _parts.Dispose();
        _sockets.Dispose();
        _log.Dispose();
    }

    [Test]
    public void Failures_WithOthersServedInBetween_AreToldOnce()
    {
        using Bridge bridge = _parts.Factory.Create(Settings("tcp"));

        for (int client = 0; client < 300; client++)
        {
            bridge.Clients.OnFailed(PeerAddress.Unix, "nothing listens there");
            bridge.Clients.OnConnected(1);
        }

        Assert.That(_log.Lines, Is.EqualTo(["Bridge web: nothing listens there"]));
    }

    [Test]
    public async Task Client_WhoseTargetRefuses_IsOneLineAtDebug()
    {
        int port = HostSockets.FreePort();
        await using var scene = new FleetScene();
        scene.Log.Lowest = LogLevel.Debug;
        string keys = $""" "Namespace":"host", "Target":"127.0.0.1:1", "Listen":"127.0.0.1:{port}" """;
        await scene.StartAsync(LoadedText.Right($""" "Name":"web", "Socket":"{scene.PathOf("web.sock")}", {keys} """));

        await TestClient.EndingAsync(new IPEndPoint(IPAddress.Loopback, port));
        await scene.InAsync(0);

        Assert.That(scene.Log.Lines.Where(line => line.Contains("client 127.", StringComparison.Ordinal)).ToArray(), Has.Length.EqualTo(1));
    }

    [TestCase("tcp", 1, "1 connection into it was reset")]
    [TestCase("tcp", 2, "2 connections into it were reset")]
    [TestCase("udp", 1, "1 flow into it was ended")]
    [TestCase("udp", 2, "2 flows into it were ended")]
    public void NamespaceEnded_TellsHowManyOfWhat(string protocol, int count, string told)
    {
        using Bridge bridge = _parts.Factory.Create(Settings(protocol));

        bridge.Clients.OnNamespaceEnded(count);

        Assert.That(_log.Lines, Is.EqualTo([$"Bridge web: its namespace went away; {told}"]));
    }

    [TestCase("tcp", 3000, 10, "its limits or its target; connections go on")]
    [TestCase("udp", 3000, 10, "its limits; flows within them go on")]
    [TestCase("udp", 3001, 10, "its target; flows to the old one end")]
    public void Apply_TellsWhatBecomesOfWhoIsThere(string protocol, int port, int limit, string told)
    {
        using Bridge bridge = _parts.Factory.Create(Settings(protocol));

        bridge.Apply(Settings(protocol, port, limit));

        Assert.That(_log.Lines, Is.EqualTo([$"Bridge web was changed: {told}"]));
    }

    private static BridgeSettings Settings(string protocol, int port = 3000, int limit = 0) => LoadedText.Right(
        $""" "Name":"web", "Protocol":"{protocol}", "Listen":"127.0.0.1:3003", "Namespace":"host", "Target":"127.0.0.1:{port}", "MaxConnections":{limit} """).Bridges[0];
}
