using NsBridge.Bridges;
using NsBridge.Configuration;
using NsBridge.Operations.Systemd;
using NsBridge.Relaying;
using NsBridge.UnitTests.Configuration;

namespace NsBridge.UnitTests.Bridges;

/// <summary>What a bridge says in the log.</summary>
internal sealed class BridgeLogTests
{
    private RecordedLog _log = null!;
    private SystemdSockets _sockets = null!;
    private BridgeEngine _engine = null!;

    [SetUp]
    public void Make()
    {
        _log = new RecordedLog();
        _sockets = SystemdSockets.Adopt([]);
        _engine = new BridgeEngine(1, mayRing: false, _sockets, _log);
    }

    [TearDown]
    public void End()
    {
        _engine.Dispose();
        _sockets.Dispose();
        _log.Dispose();
    }

    [Test]
    public void Failures_WithOthersServedInBetween_AreToldOnce()
    {
        using var bridge = new Bridge(Settings("tcp"), _engine);

        for (var client = 0; client < 300; client++)
        {
            bridge.OnFailed(PeerAddress.Unix, "nothing listens there");
            bridge.OnConnected(1);
        }

        Assert.That(_log.Lines, Is.EqualTo(["Bridge web: nothing listens there"]));
    }

    private static BridgeSettings Settings(string protocol, int port = 3000, int limit = 0) => LoadedText.Right(
        $""" "Name":"web", "Protocol":"{protocol}", "Listen":"127.0.0.1:3003", "Namespace":"host", "Target":"127.0.0.1:{port}", "MaxConnections":{limit} """).Bridges[0];
}
