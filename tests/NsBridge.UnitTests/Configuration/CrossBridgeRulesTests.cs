using NsBridge.Configuration.Reading;
using NsBridge.Fixtures;

namespace NsBridge.UnitTests.Configuration;

[TestFixture]
internal sealed class CrossBridgeRulesTests
{
    [TestCase("\"0.0.0.0:80\"", "\"0.0.0.0:80\"")]
    [TestCase("\"0.0.0.0:80\"", "\"127.0.0.1:80\"")]
    [TestCase("\"10.0.0.1:80\"", "\"0.0.0.0:80\"")]
    [TestCase("80", "\"127.0.0.1:80\"")]
    [TestCase("80", "\"[::1]:80\"")]
    [TestCase("80", "\"*:80\"")]
    [TestCase("\"*:80\"", "\"10.0.0.1:80\"")]
    [TestCase("\"*:80\"", "\"[fd00::1]:80\"")]
    [TestCase("\"[::]:80\"", "\"[::1]:80\"")]
    [TestCase("\"80-89\"", "\"127.0.0.1:85\"")]
    [TestCase("\"10.0.0.1:80-89\"", "\"10.0.0.1:89-99\"")]
    [TestCase("\"10.0.0.1:80\"", "\"[::ffff:10.0.0.1]:80\"")]
    [TestCase("[\"81\",\"82\"]", "\"*:82\"")]
    [TestCase("\"eth0:80\"", "\"*:80\"")]
    [TestCase("\"eth0:80-89\"", "\"eth0:85\"")]
    [TestCase("\"[fe80::1%1]:80\"", "\"[fe80::1%lo]:80\"")]
    [TestCase("\"[fe80::1%lo]:80\", \"ListenNamespace\":\"vpn\"", "\"[fe80::1%1]:80\", \"ListenNamespace\":\"vpn\"")]
    public void Listen_Overlapping_IsToldAtTheLaterOne(string first, string second)
    {
        ConfigurationOutcome outcome = LoadedText.Bridges($""" "Name":"a", "Listen":{first} """, $""" "Name":"b", "Listen":{second} """);
        LoadedText.AssertOnlyFault(outcome, "NsBridge:Bridges:1:Listen", "overlaps with NsBridge:Bridges:0:Listen");
    }

    [TestCase("\"0.0.0.0:80\"", "\"[::]:80\"")]
    [TestCase("\"0.0.0.0:80\"", "\"0.0.0.0:81\"")]
    [TestCase("\"10.0.0.1:80\"", "\"10.0.0.2:80\"")]
    [TestCase("80", "\"127.0.0.2:80\"")]
    [TestCase("\"eth0:80\"", "\"eth1:80\"")]
    [TestCase("\"80-89\"", "\"90-99\"")]
    [TestCase("\"[fe80::1%eth0]:80\"", "\"[fe80::1%eth1]:80\"")]
    [TestCase("\"[fe80::1%1]:80\"", "\"[fe80::1%nosuch]:80\"")]
    [TestCase("80", "80, \"Protocol\":\"udp\"")]
    [TestCase("80", "80, \"Enabled\":false")]
    [TestCase("80", "80, \"ListenNamespace\":\"vpn\"")]
    public void Listen_Apart_IsTaken(string first, string second) =>
        LoadedText.Right($""" "Name":"a", "Listen":{first} """, $""" "Name":"b", "Listen":{second} """);

    [TestCase("vpn", "/run/netns/vpn")]
    [TestCase("vpn", "/var/run/netns/vpn")]
    [TestCase("pid:7", "/proc/7/ns/net")]
    [TestCase("unit:a.service", "unit:a.service")]
    public void Listen_SamePlaceWrittenDifferently_Overlaps(string first, string second)
    {
        ConfigurationOutcome outcome = LoadedText.Bridges(
            $""" "Name":"a", "Listen":80, "ListenNamespace":"{first}" """, $""" "Name":"b", "Listen":80, "ListenNamespace":"{second}" """);
        LoadedText.AssertOnlyFault(outcome, "NsBridge:Bridges:1:Listen", "overlaps");
    }

    [Test]
    public void Listen_OnTheMetricsPort_Overlaps()
    {
        ConfigurationOutcome outcome = LoadedText.Load("""{"NsBridge":{"Metrics":{"Listen":"127.0.0.1:9464"},"Bridges":[{"Name":"a","Listen":"*:9464"}]}}""");
        LoadedText.AssertOnlyFault(outcome, "NsBridge:Bridges:0:Listen", "NsBridge:Metrics:Listen");
    }

    [Test]
    public void Name_GivenTwice_IsToldOnce()
    {
        ConfigurationOutcome outcome = LoadedText.Bridges(
            """ "Name":"a", "Namespace":"vpn", "Target":"127.0.0.1:1" """, """ "Name":"a", "Namespace":"vpn", "Target":"127.0.0.1:2" """);
        LoadedText.AssertOnlyFault(outcome, "NsBridge:Bridges:1:Name", "taken by NsBridge:Bridges:0:Name");
    }

    [Test]
    public void Name_DifferingInCase_IsAnother() => LoadedText.Right(""" "Name":"a", "Listen":1 """, """ "Name":"A", "Listen":2 """);

    [TestCase("/run/nsbridge/a.sock")]
    [TestCase("/run/nsbridge/../nsbridge//a.sock")]
    public void Socket_OfAnotherInnerHalf_IsAFault(string socket)
    {
        ConfigurationOutcome outcome = LoadedText.Bridges(
            """ "Name":"a", "Namespace":"vpn", "Target":"127.0.0.1:1" """,
            $""" "Name":"b", "Namespace":"vpn", "Target":"127.0.0.1:2", "Socket":"{socket}" """);
        LoadedText.AssertOnlyFault(outcome, "NsBridge:Bridges:1:Socket", "belongs to bridge 'a'");
    }

    [Test]
    public void Socket_OuterHalfJoiningAnInnerHalf_IsTaken() => LoadedText.Right(
        """ "Name":"inner", "Namespace":"vpn", "Target":"127.0.0.1:1" """,
        """ "Name":"outer", "Listen":80, "Socket":"/run/nsbridge/inner.sock" """);

    [Test]
    public void Socket_OfAnOuterHalfAtTheControlSocket_IsAFault() => LoadedText.AssertOnlyFault(
        LoadedText.Bridges(""" "Name":"a", "Listen":80, "Socket":"/run/nsbridge/control" """), "NsBridge:Bridges:0:Socket", "control socket");

    [TestCase(""" "Name":"a", "Namespace":"vpn", "Target":"127.0.0.1:1", "Socket":"/run/nsbridge/control.lock" """)]
    [TestCase(""" "Name":"a", "Listen":80, "Socket":"/run/nsbridge/control.lock" """)]
    public void Socket_AtTheLock_IsAFault(string bridge) => LoadedText.AssertOnlyFault(LoadedText.Bridges(bridge), "NsBridge:Bridges:0:Socket", "lock");

    [TestCase("control", "control socket")]
    [TestCase("control.lock", "lock")]
    public void Metrics_AtTheDaemonsOwnFiles_IsAFault(string file, string what) => LoadedText.AssertOnlyFault(
        LoadedText.Load($$$"""{"NsBridge":{"Metrics":{"Listen":"unix:/run/nsbridge/{{{file}}}"},"Bridges":[]}}"""), "NsBridge:Metrics:Listen", what);

    [Test]
    public void Target_SamePortOnAnotherMachine_IsNoCircle() =>
        LoadedText.Right(""" "Name":"a", "Listen":"0.0.0.0:80", "Namespace":"host", "Target":"192.168.1.5:80" """);
}
