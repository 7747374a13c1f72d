using NsBridge.Configuration.Reading;
using NsBridge.Fixtures;

namespace NsBridge.UnitTests.Configuration;

/// <summary>Every real fault is told at once, whatever else is wrong and in whatever order it stands; what follows from another fault alone is not.</summary>
[TestFixture]
internal sealed class EveryFaultTests
{
    private const string Wrong = """{"Name":"a b","Listen":"0","Namespace":"vpn","Target":"fo/o:1"}""";
    private static readonly string[] s_ofWrong = ["NsBridge:Bridges:0:Listen", "NsBridge:Bridges:0:Name", "NsBridge:Bridges:0:Target"];

    [TestCase($$$"""{"NsBridge":{"Bridge":[],"Bridges":[{{{Wrong}}}]}}""", "NsBridge:Bridge")]
    [TestCase($$$"""{"NsBridge":{"Bridges":[{{{Wrong}}}],"Bridge":[]}}""", "NsBridge:Bridge")]
    [TestCase($$$"""{"NsBridg":{},"NsBridge":{"Bridges":[{{{Wrong}}}]}}""", "NsBridg")]
    [TestCase($$$"""{"NsBridge":{"Bridges":[{{{Wrong}}}],"bridges":[]}}""", "NsBridge:Bridges")]
    [TestCase($$$"""{"NsBridge":{"Bridges":[{{{Wrong}}}]},"nsbridge":{}}""", "NsBridge")]
    public void Load_AKeyAboveIsWrongToo_TellsBoth(string json, string above) =>
        AssertPaths(json, [], [above, .. s_ofWrong]);

    [TestCase("NsBridge__Bridges", "NsBridge:Bridges")]
    [TestCase("NsBridge__Bridges__x__Name", "NsBridge:Bridges")]
    [TestCase("NsBridge__Bridges__0", "NsBridge:Bridges:0")]
    [TestCase("NsBridge__Bridges__0__Name__0", "NsBridge:Bridges:0:Name")]
    [TestCase("NsBridge__Bridges__0__Listen__x", "NsBridge:Bridges:0:Listen")]
    [TestCase("NsBridge__Brdges", "NsBridge:Brdges")]
    public void Load_AVariableIsWrongToo_TellsBoth(string variable, string path) =>
        AssertPaths($$$"""{"NsBridge":{"Bridges":[{{{Wrong}}}]}}""", [(variable, "1")], [path, .. s_ofWrong]);

    [TestCase(""" "Name":"a", "Listn":"1", "Listen":["0","fo/o:1"] """, "Listn", "Listen:0", "Listen:1")]
    [TestCase(""" "Name":"a", "Listen":["0","fo/o:1"], "listen":["1"] """, "Listen", "Listen:0", "Listen:1")]
    [TestCase(""" "Name":"a", "Listen":"0", "listen":"1" """, "Listen", "Listen")]
    [TestCase(""" "Name":"a b", "name":"a", "Listen":"1" """, "Name", "Name")]
    [TestCase(""" "Name":"a", "Listen":"1", "ListenNamespace":"v n", "Namespace":"vpn" """, "ListenNamespace", "Target")]
    [TestCase(""" "Name":"a", "Namespace":"vpn", "Target":"127.0.0.1:1", "ListenNamespace":"v n" """, "ListenNamespace", "ListenNamespace")]
    public void Load_TwoFaultsInABridge_TellsBoth(string bridge, params string[] keys) =>
        AssertPaths(LoadedText.Json(bridge), [], keys.Select(key => $"NsBridge:Bridges:0:{key}"));

    [Test]
    public void Load_AWrongSectionBeforeTheRightOne_TellsWhatIsBelow() =>
        AssertPaths("""{"NsBridge":{"Metric":{},"Metrics":{"Listen":"foo.bar:1"}}}""", [], ["NsBridge:Metric", "NsBridge:Metrics:Listen"]);

    [Test]
    public void Load_WhatIsMissingInAListGivenTwice_IsTold() =>
        AssertPaths("""{"NsBridge":{"Bridges":[{"Namespace":"vpn"}],"bridges":[]}}""", [], ["NsBridge:Bridges", "NsBridge:Bridges:0:Name", "NsBridge:Bridges:0:Target"]);

    [Test]
    public void Load_WhatIsMissingInABridgeThatAVariableGivesAValue_IsTold() =>
        AssertPaths("""{"NsBridge":{"Bridges":[{"Name":"a"}]}}""", [("NsBridge__Bridges__0", "1")], ["NsBridge:Bridges:0", "NsBridge:Bridges:0"]);

    [Test]
    public void Load_ASocketTwiceBesideAWrongNamespace_IsTold() => AssertPaths(
        LoadedText.Json(
            """ "Name":"a", "Namespace":"vpn", "Target":"127.0.0.1:1" """,
            """ "Name":"b", "Namespace":"v n", "Target":"127.0.0.1:1", "Socket":"/run/nsbridge/a.sock" """),
        [],
        ["NsBridge:Bridges:1:Namespace", "NsBridge:Bridges:1:Socket"]);

    [TestCase(""" "Name":"a", "Listen":"*:80", "Protocol":"upd" """, "Protocol")]
    [TestCase(""" "Name":"a", "Listen":"*:80", "Protocol":"tcp", "protocol":"udp" """, "Protocol")]
    [TestCase(""" "Name":"a", "Listen":"*:80", "ListenNamespace":"v n" """, "ListenNamespace")]
    [TestCase(""" "Name":"a", "Listen":"*:80", "Enabled":"flase" """, "Enabled")]
    [TestCase(""" "Name":"a", "Listen":"*:80", "listen":"*:81" """, "Listen")]
    [TestCase(""" "Name":"a", "Listen":"90", "Socket":"run/a.sock" """, "Socket")]
    [TestCase(""" "Name":"a", "Listen":"90", "Enabled":"flase", "Namespace":"vpn", "Target":"127.0.0.1:1", "Socket":"/run/nsbridge/b.sock" """, "Enabled")]
    [TestCase(""" "Name":"c/../b", "Listen":"90", "Namespace":"vpn", "Target":"127.0.0.1:1" """, "Name")]
    [TestCase(""" "Name":"b", "name":"a", "Listen":"90" """, "Name")]
    public void Load_AWrongKeyThatDecidesWhatTwoBridgesShare_TellsItAlone(string bridge, string key) => LoadedText.AssertOnlyFault(
        LoadedText.Bridges(bridge, """ "Name":"b", "Listen":"*:80", "Namespace":"vpn", "Target":"127.0.0.1:1" """), $"NsBridge:Bridges:0:{key}", "");

    [TestCase(""" "Name":"a", "Namespace":"vpn", "Target":"127.0.0.1:53", "Protocol":"upd", "AllowFrom":"10.0.0.0/8" """, "Protocol")]
    [TestCase(""" "Name":"a", "Namespace":"vpn", "Target":"127.0.0.1:53-54", "Protocol":"upd" """, "Protocol")]
    [TestCase(""" "Name":"a", "Listen":"80", "Namespace":"vpn", "Target":"127.0.0.1:1", "Protocol":"udp", "protocol":"tcp", "ProxyProtocol":"v2" """, "Protocol")]
    [TestCase(""" "Name":"a", "Listen":"80-81", "listen":"80", "Namespace":"vpn", "Target":"127.0.0.1:1" """, "Listen")]
    [TestCase(""" "Name":"a", "Listen":"80", "ListenNamespace":"v n", "Namespace":"host", "Target":"127.0.0.1:80" """, "ListenNamespace")]
    [TestCase(""" "Name":"a", "Socket":"run/a.sock", "Namespace":"vpn", "Target":"unix:/run/nsbridge/a.sock" """, "Socket")]
    [TestCase(""" "Name":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "Listen":"80" """, "Name")]
    [TestCase(""" "Nme":"a", "Listn":"80", "Namespace":"vpn", "Target":"127.0.0.1:1" """, "Listn", "Nme")]
    public void Load_AWrongKeyThatOthersDependOn_IsToldAlone(string bridge, params string[] keys) =>
        AssertPaths(LoadedText.Json(bridge), [], keys.Select(key => $"NsBridge:Bridges:0:{key}"));

    [Test]
    public void Load_AWrongDirectory_SaysNothingOfTheFilesInIt() => AssertPaths(
        """{"NsBridge":{"RuntimeDirectory":"run","Bridges":[{"Name":"a","Listen":"80","Socket":"/run/nsbridge/control"},{"Name":"b","Namespace":"vpn","Target":"127.0.0.1:1"},{"Name":"c","Namespace":"vpn","Target":"127.0.0.1:1","Socket":"/run/nsbridge/b.sock"}]}}""",
        [],
        ["NsBridge:RuntimeDirectory"]);

    [Test]
    public void Load_ADirectoryTooLongForAnySocket_IsToldOnce() => AssertPaths(
        $$$"""{"NsBridge":{"RuntimeDirectory":"/{{{new string('d', 110)}}}","Bridges":[{"Name":"a","Listen":"80"}]}}""", [], ["NsBridge:RuntimeDirectory"]);

    [Test]
    public void Load_MetricsTwice_SaysNothingOfAListenerOnThePort() => AssertPaths(
        """{"NsBridge":{"Metrics":{"Listen":"9464","listen":"9465"},"Bridges":[{"Name":"a","Listen":"9464"}]}}""", [], ["NsBridge:Metrics:Listen"]);

    [Test]
    public void Load_AVariableOfABridgeThatIsNotThere_IsToldAlone() =>
        AssertPaths("""{"NsBridge":{"Bridges":[]}}""", [("NsBridge__Bridges__0", "1")], ["NsBridge:Bridges:0"]);

    [Test]
    public void Load_ABridgeThatIsNoSection_IsToldAlone() =>
        AssertPaths("""{"NsBridge":{"Bridges":["web"]}}""", [("NsBridge__Bridges__0__Listen", "80")], ["NsBridge:Bridges:0"]);

    private static void AssertPaths(string json, (string Variable, string Value)[] environment, IEnumerable<string> paths)
    {
        ConfigurationOutcome outcome = LoadedText.Load(json, environment);
        Assert.That(outcome.Faults.Select(fault => fault.Path), Is.EquivalentTo(paths), outcome.FaultText);
    }
}
