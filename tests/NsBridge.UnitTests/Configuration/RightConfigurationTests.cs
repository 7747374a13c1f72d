using System.Net;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Fixtures;

namespace NsBridge.UnitTests.Configuration;

[TestFixture]
internal sealed class RightConfigurationTests
{
    private const string Web = """ "Name":"web", "Listen":"0.0.0.0:3003", "Namespace":"vpn", "Target":"127.0.0.1:3000" """;

    [Test]
    public void Load_ClassicExample_HasTheContractsDefaults()
    {
        DaemonSettings settings = LoadedText.Right(Web);
        BridgeSettings bridge = settings.Bridges[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(settings.RuntimeDirectory, Is.EqualTo("/run/nsbridge"));
            Assert.That(settings.ShutdownTimeout, Is.EqualTo(TimeSpan.FromSeconds(5)));
            Assert.That(settings.Metrics, Is.Null);
            Assert.That(settings.EventLoops, Is.Zero);
            Assert.That(settings.IoUring, Is.True);
            Assert.That(settings.BusyPoll, Is.EqualTo(BusyPollMode.Auto));
            Assert.That(bridge.Enabled, Is.True);
            Assert.That(bridge.Protocol, Is.EqualTo(BridgeProtocol.Tcp));
            Assert.That(bridge.ListenNamespace, Is.EqualTo(NamespaceReference.Host));
            Assert.That(bridge.Socket, Is.EqualTo("/run/nsbridge/web.sock"));
            Assert.That(Convert.ToString(bridge.SocketMode, 8), Is.EqualTo("600"));
            Assert.That(bridge.SocketGroup, Is.Null);
            Assert.That(bridge.Join, Is.EqualTo(JoinMode.Handoff));
            Assert.That(bridge.ConnectTimeout, Is.EqualTo(TimeSpan.FromSeconds(5)));
            Assert.That(bridge.TargetWait, Is.EqualTo(TimeSpan.Zero));
            Assert.That(bridge.IdleTimeout, Is.EqualTo(TimeSpan.Zero));
            Assert.That(bridge.KeepAlive, Is.EqualTo(TimeSpan.FromMinutes(1)));
            Assert.That(bridge.MaxConnections, Is.Zero);
            Assert.That(bridge.MaxConnectionsPerClient, Is.Zero);
            Assert.That(bridge.AllowFrom, Is.Empty);
            Assert.That(bridge.ProxyProtocol, Is.EqualTo(ProxyProtocol.None));
            Assert.That(bridge.WhenNamespaceGoes, Is.EqualTo(WhenNamespaceGoes.Close));
        }
    }

    [Test]
    public void Load_EveryKey_IsRead()
    {
        ConfigurationOutcome outcome = LoadedText.Load("""
            {
              "$schema": "x",
              // a comment, and trailing commas, as .NET allows them
              "NsBridge": {
                "RuntimeDirectory": "/tmp/x/",
                "ShutdownTimeout": "00:01:00",
                "EventLoops": 2,
                "IoUring": false,
                "BusyPoll": "OFF",
                "Metrics": { "Listen": "unix:/tmp/x/metrics.sock" },
                "Bridges": [
                  {
                    "name": "all", "ENABLED": false, "Protocol": "UDP", "Listen": ["10.0.0.1:80-89", "[fd00::1]:80-89"], "ListenNamespace": "lan",
                    "Socket": "/tmp/y/../x/own.sock", "SocketMode": "660", "SocketGroup": "root", "Namespace": "pid:1", "Target": "[::1]:90-99",
                    "Join": "relay", "ConnectTimeout": "00:00:00.250", "TargetWait": "00:00:30", "IdleTimeout": "1.00:00:00", "KeepAlive": "00:00:00",
                    "MaxConnections": 10, "MaxConnectionsPerClient": "5", "AllowFrom": ["10.0.0.0/8", "fd00::/8", "::ffff:192.168.0.0/112", "127.0.0.1"],
                    "ProxyProtocol": "none", "WhenNamespaceGoes": "Drain",
                  },
                ],
              },
              "Logging": { "LogLevel": { "Default": "Debug" } },
            }
            """);
        Assert.That(outcome.Faults, Is.Empty, outcome.FaultText);
        DaemonSettings settings = outcome.Settings!;
        BridgeSettings bridge = settings.Bridges[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(settings.RuntimeDirectory, Is.EqualTo("/tmp/x"));
            Assert.That(settings.ShutdownTimeout, Is.EqualTo(TimeSpan.FromMinutes(1)));
            Assert.That(settings.EventLoops, Is.EqualTo(2));
            Assert.That(settings.IoUring, Is.False);
            Assert.That(settings.BusyPoll, Is.EqualTo(BusyPollMode.Off));
            Assert.That(settings.Metrics!.UnixPath, Is.EqualTo("/tmp/x/metrics.sock"));
            Assert.That(settings.ControlSocket, Is.EqualTo("/tmp/x/control"));
            Assert.That(outcome.Settings!.Logging, Is.EqualTo(new[] { new LogSetting("Logging:LogLevel:Default", "Debug") }));
            Assert.That(bridge.Name, Is.EqualTo("all"));
            Assert.That(bridge.Enabled, Is.False);
            Assert.That(bridge.Protocol, Is.EqualTo(BridgeProtocol.Udp));
            Assert.That(bridge.Listen.SelectMany(entry => entry.Sockets()).Count(), Is.EqualTo(20));
            Assert.That(bridge.ListenNamespace.FilePath, Is.EqualTo("/run/netns/lan"));
            Assert.That(bridge.Socket, Is.EqualTo("/tmp/x/own.sock"));
            Assert.That(Convert.ToString(bridge.SocketMode, 8), Is.EqualTo("660"));
            Assert.That(bridge.SocketGroup, Is.EqualTo(new SocketGroup("root", 0)));
            Assert.That(bridge.Namespace!.Pid, Is.EqualTo(1));
            Assert.That(bridge.Target!.PortAt(9), Is.EqualTo(99));
            Assert.That(bridge.Join, Is.EqualTo(JoinMode.Relay));
            Assert.That(bridge.ConnectTimeout, Is.EqualTo(TimeSpan.FromMilliseconds(250)));
            Assert.That(bridge.TargetWait, Is.EqualTo(TimeSpan.FromSeconds(30)));
            Assert.That(bridge.IdleTimeout, Is.EqualTo(TimeSpan.FromDays(1)));
            Assert.That(bridge.KeepAlive, Is.EqualTo(TimeSpan.Zero));
            Assert.That(bridge.MaxConnections, Is.EqualTo(10));
            Assert.That(bridge.MaxConnectionsPerClient, Is.EqualTo(5));
            Assert.That(bridge.AllowFrom, Is.EqualTo(new[] { "10.0.0.0/8", "fd00::/8", "192.168.0.0/16", "127.0.0.1/32" }.Select(IPNetwork.Parse)));
            Assert.That(bridge.WhenNamespaceGoes, Is.EqualTo(WhenNamespaceGoes.Drain));
        }
    }

    [TestCase("00:00:00.0000001", 1)]
    [TestCase("00:00:00.0010001", 2)]
    [TestCase("00:00:00.0010000", 1)]
    [TestCase("00:00:05", 5000)]
    public void Load_ADurationFinerThanAMillisecond_IsRoundedUp(string text, int milliseconds)
    {
        BridgeSettings bridge = LoadedText.Right($"""{Web}, "IdleTimeout":"{text}", "TargetWait":"{text}", "ConnectTimeout":"{text}" """).Bridges[0];

        Assert.That(new[] { bridge.IdleTimeout, bridge.TargetWait, bridge.ConnectTimeout }, Is.All.EqualTo(TimeSpan.FromMilliseconds(milliseconds)));
    }

    [TestCase("""{"NsBridge":{}}""")]
    [TestCase("""{"NsBridge":{"Bridges":[]}}""")]
    [TestCase("""{"NsBridge":{"Metrics":{}}}""")]
    [TestCase("\uFEFF{\"NsBridge\":{}}")]
    public void Load_WithoutBridges_IsRight(string json)
    {
        ConfigurationOutcome outcome = LoadedText.Load(json);
        Assert.That(outcome.Faults, Is.Empty, outcome.FaultText);
        Assert.That(outcome.Settings!.Bridges, Is.Empty);
    }

    [Test]
    public void Join_OuterHalfAlone_RelaysUnlessHandoffIsWritten()
    {
        DaemonSettings settings = LoadedText.Right(""" "Name":"a", "Listen":1 """, """ "Name":"b", "Listen":2, "Join":"handoff" """);
        Assert.That(settings.Bridges.Select(bridge => bridge.Join), Is.EqualTo(new[] { JoinMode.Relay, JoinMode.Handoff }));
    }

    [Test]
    public void IdleTimeout_Udp_IsNinetySecondsUnlessWritten()
    {
        DaemonSettings settings = LoadedText.Right($"""{Web}, "Protocol":"udp" """, """ "Name":"b", "Listen":2, "Protocol":"udp", "IdleTimeout":"00:00:00" """);
        Assert.That(settings.Bridges.Select(bridge => bridge.IdleTimeout), Is.EqualTo(new[] { TimeSpan.FromSeconds(90), TimeSpan.Zero }));
    }

    [TestCase("/run/a:/run/b", "/run/a")]
    [TestCase("/run/a/", "/run/a")]
    [TestCase("", "/run/nsbridge")]
    [TestCase("relative", "/run/nsbridge")]
    public void RuntimeDirectory_FromSystemd_IsTheFirst(string variable, string expected)
    {
        ConfigurationOutcome outcome = LoadedText.Load("{\"NsBridge\":{}}", ("RUNTIME_DIRECTORY", variable));
        Assert.That(outcome.Settings!.RuntimeDirectory, Is.EqualTo(expected));
    }

    [Test]
    public void Settings_LoadedTwice_AreEqualAndDifferWithAnyChange()
    {
        string all = $"""{Web}, "AllowFrom":["10.0.0.0/8"] """;
        DaemonSettings settings = LoadedText.Right(all);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(LoadedText.Right(all), Is.EqualTo(settings));
            Assert.That(LoadedText.Right(all).GetHashCode(), Is.EqualTo(settings.GetHashCode()));
            Assert.That(LoadedText.Right($"""{all}, "MaxConnections":1 """), Is.Not.EqualTo(settings));
            Assert.That(LoadedText.Right(all.Replace("10.0.0.0/8", "10.0.0.0/9", StringComparison.Ordinal)), Is.Not.EqualTo(settings));
            Assert.That(LoadedText.Right(all.Replace("3003", "3004", StringComparison.Ordinal)), Is.Not.EqualTo(settings));
        }
    }

    [Test]
    public void Load_WhileAnotherDirectoryIsInUse_KeepsDefaultSocketsThere()
    {
        DaemonSettings settings = LoadedText.Load("""{ "NsBridge": { "RuntimeDirectory": "/run/b", "Bridges": [ { """ + Web + "} ] } }", "/run/a").Settings!;

        Assert.That(settings.RuntimeDirectory, Is.EqualTo("/run/b"));
        Assert.That(settings.Bridges[0].Socket, Is.EqualTo("/run/a/web.sock"));
    }

    [Test]
    public void KeysThatWait_AreThoseInWhichItDiffersFromWhatRuns()
    {
        DaemonSettings started = LoadedText.Right(Web);
        DaemonSettings wanted = started with { RuntimeDirectory = "/run/b", EventLoops = 3, IoUring = !started.IoUring, ShutdownTimeout = TimeSpan.Zero };

        Assert.That(wanted.KeysThatWait(started), Is.EqualTo(new[] { "RuntimeDirectory", "EventLoops", "IoUring" }));
        Assert.That(started.KeysThatWait(started), Is.Empty);
    }
}
