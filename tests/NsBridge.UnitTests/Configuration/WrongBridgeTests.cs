using NsBridge.Configuration.Reading;
using NsBridge.Fixtures;

namespace NsBridge.UnitTests.Configuration;

/// <summary>Wrong values and wrong combinations in one bridge: one fault each, at the right key.</summary>
[TestFixture]
internal sealed class WrongBridgeTests
{
    private const string Web = """ "Name":"web", "Listen":"0.0.0.0:3003", "Namespace":"vpn", "Target":"127.0.0.1:3000" """;
    private const string Outer = """ "Name":"web", "Listen":"0.0.0.0:3003" """;
    private const string Inner = """ "Name":"web", "Namespace":"vpn", "Target":"127.0.0.1:3000" """;

    [TestCase(Web, """ "Enabled":"yes" """, "Enabled", "true or false")]
    [TestCase(Web, """ "Enabled":1 """, "Enabled", "true or false")]
    [TestCase(Web, """ "Protocol":"sctp" """, "Protocol", "tcp or udp")]
    [TestCase(Web, """ "Protocol":"0" """, "Protocol", "tcp or udp")]
    [TestCase(Web, """ "ListenNamespace":"" """, "ListenNamespace", "empty")]
    [TestCase(Web, """ "ListenNamespace":"a/b" """, "ListenNamespace", "one file in /run/netns")]
    [TestCase(Web, """ "Socket":"run/web.sock" """, "Socket", "absolute")]
    [TestCase(Web, """ "Socket":"" """, "Socket", "absolute")]
    [TestCase(Web, """ "Socket":"web.sock" """, "Socket", "/run/nsbridge/web.sock")]
    [TestCase(Web, """ "Socket":"/run/nsbridge/" """, "Socket", "file name")]
    [TestCase(Web, """ "Socket":"/run/nsbridge/control" """, "Socket", "control socket")]
    [TestCase(Web, """ "SocketMode":"0999" """, "SocketMode", "octal")]
    [TestCase(Web, """ "SocketMode":"1777" """, "SocketMode", "octal")]
    [TestCase(Web, """ "SocketMode":"rw" """, "SocketMode", "octal")]
    [TestCase(Web, """ "SocketMode":66 """, "SocketMode", "octal")]
    [TestCase(Web, """ "SocketGroup":"no-such-group-here" """, "SocketGroup", "no such group")]
    [TestCase(Web, """ "SocketGroup":"" """, "SocketGroup", "name or number")]
    [TestCase(Web, """ "Join":"hand-off" """, "Join", "handoff or relay")]
    [TestCase(Web, """ "ConnectTimeout":"00:00:00" """, "ConnectTimeout", "more than zero")]
    [TestCase(Web, """ "ConnectTimeout":"-00:00:01" """, "ConnectTimeout", "negative")]
    [TestCase(Web, """ "ConnectTimeout":"5" """, "ConnectTimeout", "hh:mm:ss")]
    [TestCase(Web, """ "ConnectTimeout":5 """, "ConnectTimeout", "hh:mm:ss")]
    [TestCase(Web, """ "ConnectTimeout":"5s" """, "ConnectTimeout", "hh:mm:ss")]
    [TestCase(Web, """ "ConnectTimeout":"00:05" """, "ConnectTimeout", "hh:mm:ss")]
    [TestCase(Web, """ "ConnectTimeout":"00:00:90" """, "ConnectTimeout", "below 60")]
    [TestCase(Web, """ "ConnectTimeout":"9999.00:00:00" """, "ConnectTimeout", "at most 1.00:00:00")]
    [TestCase(Web, """ "ConnectTimeout":"10675199.02:48:05.4775807" """, "ConnectTimeout", "at most 1.00:00:00")]
    [TestCase(Web, """ "ConnectTimeout":"99999999999.00:00:00" """, "ConnectTimeout", "hh:mm:ss")]
    [TestCase(Web, """ "TargetWait":"" """, "TargetWait", "hh:mm:ss")]
    [TestCase(Web, """ "IdleTimeout":"8.00:00:00" """, "IdleTimeout", "at most 7.00:00:00")]
    [TestCase(Web, """ "KeepAlive":"00:00:00.5" """, "KeepAlive", "whole seconds")]
    [TestCase(Web, """ "KeepAlive":"10:00:00" """, "KeepAlive", "at most 09:06:07")]
    [TestCase(Web, """ "MaxConnections":"abc" """, "MaxConnections", "whole number")]
    [TestCase(Web, """ "MaxConnections":-1 """, "MaxConnections", "whole number")]
    [TestCase(Web, """ "MaxConnections":1.5 """, "MaxConnections", "whole number")]
    [TestCase(Web, """ "MaxConnections":9999999999 """, "MaxConnections", "whole number")]
    [TestCase(Web, """ "MaxConnections":null """, "MaxConnections", "null is no value")]
    [TestCase(Web, """ "MaxConnections":[1] """, "MaxConnections", "one value is expected")]
    [TestCase(Web, """ "MaxConnections":{"Of":1} """, "MaxConnections", "one value is expected")]
    [TestCase(Web, """ "MaxConnectionsPerClient":"" """, "MaxConnectionsPerClient", "whole number")]
    [TestCase(Web, """ "AllowFrom":"10.0.0.1/8" """, "AllowFrom", "10.0.0.0/8")]
    [TestCase(Web, """ "AllowFrom":["10.0.0.0/8","10.0.0.0/33"] """, "AllowFrom:1", "0-32")]
    [TestCase(Web, """ "AllowFrom":["lan"] """, "AllowFrom:0", "not looked up")]
    [TestCase(Web, """ "AllowFrom":[] """, "AllowFrom", "empty list")]
    [TestCase(Web, """ "AllowFrom":[null] """, "AllowFrom:0", "null is no value")]
    [TestCase(Web, """ "AllowFrom":"::ffff:10.0.0.0/64" """, "AllowFrom", "96-128")]
    [TestCase(Web, """ "ProxyProtocol":"v3" """, "ProxyProtocol", "none, v1 or v2")]
    [TestCase(Web, """ "ProxyProtocol":2 """, "ProxyProtocol", "none, v1 or v2")]
    [TestCase(Web, """ "SourceAddress":"true" """, "SourceAddress", "bridge or client")]
    [TestCase(Web, """ "WhenNamespaceGoes":"reset" """, "WhenNamespaceGoes", "close or drain")]
    [TestCase(Web, """ "Lisen":"80" """, "Lisen", "did you mean Listen?")]
    [TestCase(Web, """ "MaxConnection":"80" """, "MaxConnection", "did you mean MaxConnections?")]
    [TestCase(Web, """ "Colour":"blue" """, "Colour", "no such key")]
    [TestCase(Web, """ "Listen:0":"80" """, "Listen:0", "no such key")]
    [TestCase(Web, """ "name":"again" """, "Name", "given twice")]
    [TestCase(Web, """ "Protocol":"udp", "ProxyProtocol":"v1" """, "ProxyProtocol", "takes v2")]
    [TestCase(Web, """ "Protocol":"udp", "Probe":"00:00:10" """, "Probe", "Protocol tcp")]
    [TestCase(Outer, """ "Probe":"00:00:10" """, "Probe", "without Namespace")]
    [TestCase(Outer, """ "ProxyProtocol":"v1" """, "ProxyProtocol", "without Namespace")]
    [TestCase(Outer, """ "WhenNamespaceGoes":"drain" """, "WhenNamespaceGoes", "without Namespace")]
    [TestCase(Outer, """ "SocketMode":"0660" """, "SocketMode", "without Namespace")]
    [TestCase(Outer, """ "Namespace":"vpn" """, "Target", "needs Target")]
    [TestCase(Outer, """ "Target":"127.0.0.1:80" """, "Namespace", "write \"host\"")]
    [TestCase(Outer, """ "Namespace":null, "Target":"127.0.0.1:80" """, "Namespace", "null is no value")]
    [TestCase(Inner, """ "AllowFrom":"10.0.0.0/8" """, "AllowFrom", "without Listen")]
    [TestCase(Inner, """ "MaxConnectionsPerClient":5 """, "MaxConnectionsPerClient", "without Listen")]
    [TestCase(Inner, """ "ListenNamespace":"vpn" """, "ListenNamespace", "without Listen")]
    [TestCase(Inner, """ "Listen":[] """, "Listen", "empty list")]
    [TestCase(Inner, """ "Listen":null """, "Listen", "null is no value")]
    [TestCase(Inner, """ "Listen":-1 """, "Listen", "the port must be 1-65535")]
    [TestCase(Inner, """ "Listen":"127.0.0.1:-3003" """, "Listen", "the port must be 1-65535")]
    [TestCase(Inner, """ "Listen":3.5 """, "Listen", "the port must be 1-65535")]
    [TestCase(Inner, """ "Listen":-3.5 """, "Listen", "the port must be 1-65535")]
    [TestCase(Inner, """ "Listen":"127.0.0.1" """, "Listen", "the port is missing")]
    [TestCase(Inner, """ "Listen":"127.0.0.1:80-" """, "Listen", "the port is missing")]
    [TestCase(Inner, """ "Listen":{"Port":80} """, "Listen", "one value or a list")]
    [TestCase(Inner, """ "Listen":[["80"]] """, "Listen:0", "one value is expected")]
    [TestCase(Inner, """ "Listen":["80","0.0.0.0:99999"] """, "Listen:1", "1-65535")]
    [TestCase(Inner, """ "Listen":["80","127.0.0.1:80"] """, "Listen:1", "overlaps with NsBridge:Bridges:0:Listen:0")]
    [TestCase(Inner, """ "Listen":["80-89"] """, "Target", "1 port and Listen \"80-89\" has 10 ports")]
    public void Load_WrongKeyBesideRightOnes_TellsThatKeyAlone(string right, string wrong, string key, string piece) =>
        LoadedText.AssertOnlyFault(LoadedText.Bridges($"{right}, {wrong}"), $"NsBridge:Bridges:0:{key}", piece);

    [TestCase(""" "Listen":"80" """, "Name", "name of its own")]
    [TestCase(""" "Listen":"80", "Name":"" """, "Name", "name of its own")]
    [TestCase(""" "Listen":"80", "Name":null """, "Name", "null is no value; every bridge needs")]
    [TestCase(""" "Name":"w", "Namespace":"vpn", "Target":null """, "Target", "null is no value; give one")]
    [TestCase(""" "Name":"w", "Listen":"80", "Namespace":"vpn", "Target":"127.0.0.1:80", "Join":null """, "Join", "leave the key out for its default")]
    [TestCase(""" "Listen":"80", "Name":"-a" """, "Name", "starts with a letter or digit")]
    [TestCase(""" "Listen":"80", "Name":"a/b" """, "Name", "1 to 64")]
    [TestCase(""" "Listen":"80", "Name":"../x" """, "Name", "1 to 64")]
    [TestCase(""" "Listen":"80", "Name":"a\u0000" """, "Name", "1 to 64")]
    [TestCase(""" "Listen":"80", "Name":"ä" """, "Name", "1 to 64")]
    [TestCase(""" "Listen":"80", "Nmae":"web" """, "Nmae", "did you mean Name?")]
    [TestCase(""" "Name":"w", "Namespace":"vpn", "Target":"127.0.0.1:1-5" """, "Target", "Listen as long")]
    [TestCase(""" "Name":"w", "Namespace":"vpn", "Target":"unix:/run/nsbridge/w.sock" """, "Target", "circle")]
    [TestCase(""" "Name":"w", "Listen":"80", "Protocol":"udp", "Namespace":"vpn", "Target":"unix:/a" """, "Target", "Protocol tcp")]
    [TestCase(""" "Name":"w", "Namespace":"vpn", "Target":"10.0.0.1:80", "SourceAddress":"client" """, "SourceAddress", "loopback")]
    [TestCase(""" "Name":"w", "Namespace":"vpn", "Target":"unix:/a", "SourceAddress":"client" """, "SourceAddress", "loopback")]
    [TestCase(""" "Name":"w", "Listen":"80", "Namespace":"host", "Target":"127.0.0.1:80" """, "Target", "circle")]
    [TestCase(""" "Name":"w", "Listen":"*:80", "Namespace":"host", "Target":"localhost:80" """, "Target", "circle")]
    [TestCase(""" "Name":"w", "Listen":"10.0.0.1:80", "ListenNamespace":"/run/netns/v", "Namespace":"v", "Target":"10.0.0.1:80" """, "Target", "circle")]
    public void Load_WrongBridge_TellsOneFault(string bridge, string key, string piece) =>
        LoadedText.AssertOnlyFault(LoadedText.Bridges(bridge), $"NsBridge:Bridges:0:{key}", piece);

    [TestCase("{}", "needs Listen")]
    public void Load_EmptyBridge_NamesWhatItNeeds(string bridge, string piece)
    {
        ConfigurationOutcome outcome = LoadedText.Load($$$"""{"NsBridge":{"Bridges":[{{{bridge}}}]}}""");
        Assert.That(outcome.Faults.Select(fault => fault.Path), Is.EqualTo(new[] { "NsBridge:Bridges:0", "NsBridge:Bridges:0:Name" }));
        Assert.That(outcome.Faults[0].Message, Does.Contain(piece));
    }

    [Test]
    public void Load_SocketOf108Bytes_IsRefusedAndOf107Taken()
    {
        string longest = "/" + new string('s', 106);
        Assert.That(LoadedText.Right($"""{Web}, "Socket":"{longest}" """).Bridges[0].Socket, Is.EqualTo(longest));
        LoadedText.AssertOnlyFault(LoadedText.Bridges($"""{Web}, "Socket":"{longest}s" """), "NsBridge:Bridges:0:Socket", "at most 107 bytes; this is 108");
    }

    [Test]
    public void Load_DefaultSocketTooLong_SaysWhichPath()
    {
        // Long enough for the control socket alone.
        string directory = "/" + new string('d', 98);
        ConfigurationOutcome outcome = LoadedText.Load($$$"""{"NsBridge":{"RuntimeDirectory":"{{{directory}}}","Bridges":[{{{{Web}}}}]}}""");
        LoadedText.AssertOnlyFault(outcome, "NsBridge:Bridges:0:Socket", $"{directory}/web.sock");
    }

    [Test]
    public void Load_AKeyThatIsNearNone_NamesItsValueAndThoseThereAre()
    {
        ConfigurationOutcome outcome = LoadedText.Bridges($$"""{{Web}}, "Colour":"blue" """);

        LoadedText.AssertOnlyFault(outcome, "NsBridge:Bridges:0:Colour", "here may stand AccessLog, AllowFrom, ConnectTimeout, ");
        Assert.That(outcome.Faults[0].Value, Is.EqualTo("blue"));
    }

    [Test]
    public void Load_SeveralFaults_TellsAllInOrder()
    {
        ConfigurationOutcome outcome = LoadedText.Bridges(
            """ "Name":"a b", "Listen":"0.0.0.0:99999", "Namespace":"vpn", "Target":"example.com:3000", "Nmespace":1 """,
            """ "Name":"web", "Listen":"x", "Namespace":"", "Join":"both", "MaxConnections":"abc" """);
        Assert.That(outcome.Faults.Select(fault => fault.Path), Is.EqualTo(new[]
        {
            "NsBridge:Bridges:0:Listen", "NsBridge:Bridges:0:Name", "NsBridge:Bridges:0:Nmespace", "NsBridge:Bridges:0:Target",
            "NsBridge:Bridges:1:Join", "NsBridge:Bridges:1:Listen", "NsBridge:Bridges:1:MaxConnections",
            "NsBridge:Bridges:1:Namespace", "NsBridge:Bridges:1:Target",
        }));
        Assert.That(outcome.FaultText, Does.StartWith("NsBridge:Bridges:0:Listen = \"0.0.0.0:99999\": the port must be 1-65535"));
    }

    [Test]
    public void Fault_OfABridge_NamesItBesideItsNumber()
    {
        ConfigurationOutcome outcome = LoadedText.Bridges(Web, """ "Name":"we b", "Listen":"x" """, """ "Listen":"y" """);
        Assert.That(outcome.Faults.Select(fault => (fault.Path, fault.Bridge)), Is.EqualTo(new[]
        {
            ("NsBridge:Bridges:1:Listen", "we b"), ("NsBridge:Bridges:1:Name", null), ("NsBridge:Bridges:2:Listen", null), ("NsBridge:Bridges:2:Name", null),
        }));
        Assert.That(outcome.FaultText, Does.Contain(" (bridge 'we b')"));
    }

    [Test]
    public void Fault_ValueWithControlCharacters_StaysOneLine()
    {
        ConfigurationOutcome outcome = LoadedText.Bridges($$"""{{Web}}, "Join":"a\nb\u001b[31m" """);
        Assert.That(outcome.FaultText, Is.EqualTo("NsBridge:Bridges:0:Join = \"a\ufffdb\ufffd[31m\": write handoff or relay (bridge 'web')"));
    }
}
