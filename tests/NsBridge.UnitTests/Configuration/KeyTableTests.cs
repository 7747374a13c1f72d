using System.Text.Json.Nodes;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Fixtures;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Configuration;

/// <summary>Everything about a key follows from its row of the table.</summary>
[TestFixture]
internal sealed class KeyTableTests
{
    private const string Web = """ "Name":"web", "Listen":"3003" """;

    private static readonly SingleKey<int> s_weight = KeyKinds.Number("Weight", 9, "The weight.", mayChange: true);
    private static readonly SingleKey<TimeSpan> s_pause = KeyKinds.Duration("Pause", TimeSpan.FromSeconds(2), 1, 60_000, "The pause.");
    private static readonly SingleKey<bool> s_verbose = KeyKinds.Flag("Verbose", false, "More words.");

    /// <summary>The keys of nsbridge and three more.</summary>
    private static readonly KeyTable s_more = new([.. DaemonKeys.All, s_verbose], [.. BridgeKeys.All, s_weight, s_pause]);

    [TestCase("Lisen", "Listen")]
    [TestCase("listne", "Listen")]
    [TestCase("Nmae", "Name")]
    [TestCase("TargetTimeout", null)]
    [TestCase("Bandwidth", null)]
    [TestCase("MaxConnection", "MaxConnections")]
    [TestCase("AllowedFrom", "AllowFrom")]
    [TestCase("ListenNameSpaces", "ListenNamespace")]
    public void Nearest_Typo_IsWhatWasMeant(string typo, string? meant) =>
        Assert.That(KeyTable.Default.Root.Find("NsBridge")!.Find("Bridges")!.Nearest(typo), Is.EqualTo(meant));

    [Test]
    public void NewKey_LeftOut_HasItsDefault()
    {
        DaemonSettings settings = Right(Web);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(settings.Bridges[0].Values.Get(s_weight), Is.Zero);
            Assert.That(settings.Bridges[0].Values.Get(s_pause), Is.EqualTo(TimeSpan.FromSeconds(2)));
            Assert.That(settings.Values.Get(s_verbose), Is.False);
        }
    }

    [Test]
    public void NewKey_Written_IsRead()
    {
        DaemonSettings settings = Right($"""{Web}, "weight":7, "Pause":"00:00:05" """, """ "Verbose":true, """);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(settings.Bridges[0].Values.Get(s_weight), Is.EqualTo(7));
            Assert.That(settings.Bridges[0].Values.Get(s_pause), Is.EqualTo(TimeSpan.FromSeconds(5)));
            Assert.That(settings.Values.Get(s_verbose), Is.True);
        }
    }

    [TestCase(""" "Weight":10 """, "Weight", "write a whole number from 0 to 9")]
    [TestCase(""" "Pause":"00:01:01" """, "Pause", "at most 00:01:00")]
    [TestCase(""" "Weight":null """, "Weight", "leave the key out for its default")]
    [TestCase(""" "Wieght":1 """, "Wieght", "did you mean Weight?")]
    [TestCase(""" "Colour":1 """, "Colour", "Target, TargetWait, Weight, WhenNamespaceGoes")]
    public void NewKey_Wrong_IsAFault(string wrong, string key, string piece) =>
        LoadedText.AssertOnlyFault(Load($"{Web}, {wrong}"), $"NsBridge:Bridges:0:{key}", piece);

    [Test]
    public void NewKey_OfTheEnvironment_IsReadAndNamed()
    {
        string json = LoadedText.Json(Web);
        Assert.That(LoadedText.Load(json, s_more, ("NsBridge__Bridges__0__Weight", "3")).Settings!.Bridges[0].Values.Get(s_weight), Is.EqualTo(3));
        LoadedText.AssertOnlyFault(
            LoadedText.Load(json, s_more, ("NsBridge__Bridges__0__Weight", "x")), "NsBridge:Bridges:0:Weight", "(environment variable NsBridge__Bridges__0__Weight)");
    }

    [Test]
    public void NewKey_AtAReload_MayChangeIfItsRowSaysSo()
    {
        BridgeSettings running = Right(Web).Bridges[0];
        BridgeSettings weighty = Right($"""{Web}, "Weight":7 """).Bridges[0];
        BridgeSettings pausing = Right($"""{Web}, "Pause":"00:00:05" """).Bridges[0];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(weighty, Is.Not.EqualTo(running));
            Assert.That(weighty.CanReplace(running), Is.True);
            Assert.That(pausing.CanReplace(running), Is.False);
            Assert.That(Right(Web, """ "Verbose":true, """).KeysThatWait(Right(Web)), Is.EqualTo(new[] { "Verbose" }));
        }
    }

    [Test]
    public void NewKey_InTheSchemaAndTheDocuments_IsThere()
    {
        JsonNode bridge = Schema(s_more)["properties"]!["NsBridge"]!["properties"]!["Bridges"]!["items"]!["properties"]!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(bridge["Weight"]!.ToJsonString(), Is.EqualTo("""{"description":"The weight.","default":0,"type":"integer","minimum":0,"maximum":9}"""));
            Assert.That(bridge["Pause"]!["default"]!.GetValue<string>(), Is.EqualTo("00:00:02"));
            Assert.That(KeyDocuments.Markdown(s_more.BridgeRows), Does.Contain("| `Weight` | The weight | `0` |"));
            Assert.That(KeyDocuments.Manual(s_more.DaemonRows).TakeLast(4), Is.EqualTo(new[] { ".TP", ".B Verbose", "More words.", @"Default: \fBfalse\fR." }));
        }
    }

    /// <summary>What a reload of a running bridge may change.</summary>
    [Test]
    public void MayChange_OfTheTable_AreTheLimitsAndTheTarget() => Assert.That(
        KeyTable.Default.BridgeRows.Where(row => row.MayChange).Select(row => row.Name),
        Is.EquivalentTo(new[]
        {
            "Target", "ConnectTimeout", "TargetWait", "IdleTimeout", "MaxConnections", "MaxConnectionsPerClient", "AllowFrom", "ProxyProtocol",
            "WhenNamespaceGoes", "Probe", "AccessLog",
        }));

    [Test]
    public void Table_OfTheReadme_IsTheTable()
    {
        string[] readme = File.ReadAllLines(Path.Combine(Repository.Root, "README.md"));
        string[] expected = ["| key | meaning | default |", "|---|---|---|", .. KeyDocuments.Markdown(KeyTable.Default.BridgeRows)];
        Assert.That(readme.SkipWhile(line => line != expected[0]).TakeWhile(line => line.StartsWith('|')), Is.EqualTo(expected));
    }

    [Test]
    public void DaemonKeys_OfTheReadme_AreTheTable() =>
        Assert.That(
            File.ReadAllLines(Path.Combine(Repository.Root, "README.md")),
            Does.Contain($"Beside `Bridges`: {KeyDocuments.Line(KeyTable.Default.DaemonRows)}."));

    [TestCase("KEYS OF NSBRIDGE", false)]
    [TestCase("KEYS OF A BRIDGE", true)]
    public void Sections_OfTheManual_AreTheTable(string section, bool ofBridge)
    {
        string[] manual = File.ReadAllLines(Path.Combine(Repository.Root, "deploy", "man", "nsbridge.json.5"));
        IEnumerable<string> lines = manual.SkipWhile(line => line != $".SH \"{section}\"").Skip(1).TakeWhile(line => !line.StartsWith(".SH", StringComparison.Ordinal));
        Assert.That(lines, Is.EqualTo(KeyDocuments.Manual(ofBridge ? KeyTable.Default.BridgeRows : KeyTable.Default.DaemonRows)));
    }

    /// <summary>A row without help, or with a default that its own parser refuses, would mislead.</summary>
    [Test]
    public void Rows_All_HaveHelpAndARightDefault()
    {
        foreach (ValueKey row in KeyTable.Default.DaemonRows.Concat(KeyTable.Default.BridgeRows))
        {
            Assert.That(row.Help, Does.EndWith(".").And.Not.Contain("|"), row.Path);
            Assert.That(row.DefaultText ?? row.DefaultNote, Is.Not.Null, row.Path);
            if (row.DefaultText is { } text)
            {
                Assert.That(row.TryParse(text, out object? value, out string fault), Is.True, $"{row.Path}: {fault}");
                Assert.That(value, Is.EqualTo(row.Default), row.Path);
            }
            foreach (string example in row.Json.Examples.Where(example => example != "www-data"))
                Assert.That(row.TryParse(example, out _, out string fault), Is.True, $"{row.Path}: {fault}");
        }
    }

    [Test]
    public void Schema_OfEachSection_HasItsKeysAndNoOther()
    {
        JsonNode root = Schema(KeyTable.Default);
        JsonNode daemon = root["properties"]!["NsBridge"]!;
        JsonNode bridge = daemon["properties"]!["Bridges"]!["items"]!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(root["properties"]!.AsObject().Select(entry => entry.Key), Is.EquivalentTo(new[] { "NsBridge", "Logging", "AllowedHosts", "$schema" }));
            Assert.That(bridge["properties"]!.AsObject().Select(entry => entry.Key), Is.EqualTo(BridgeKeys.All.Select(key => key.Name)));
            Assert.That(bridge["required"]!.ToJsonString(), Is.EqualTo("""["Name"]"""));
            Assert.That(new[] { root, daemon, bridge }.Select(node => node["additionalProperties"]!.GetValue<bool>()), Is.All.False);
            Assert.That(bridge["properties"]!["Join"]!["enum"]!.ToJsonString(), Is.EqualTo("""["handoff","relay"]"""));
        }
    }

    private static JsonNode Schema(KeyTable table) => JsonNode.Parse(JsonSchema.Text(table))!;

    private static ConfigurationOutcome Load(string bridge, string daemon = "") =>
        LoadedText.Load("{\"NsBridge\":{" + daemon + "\"Bridges\":[{" + bridge + "}]}}", s_more);

    private static DaemonSettings Right(string bridge, string daemon = "")
    {
        ConfigurationOutcome outcome = Load(bridge, daemon);
        Assert.That(outcome.Faults, Is.Empty, outcome.FaultText);
        return outcome.Settings!;
    }
}
