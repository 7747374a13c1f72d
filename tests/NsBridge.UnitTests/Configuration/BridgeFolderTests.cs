using System.Runtime.InteropServices;
using NsBridge.Configuration.Reading;
using NsBridge.Fixtures;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Configuration;

/// <summary>The files of conf.d add bridges, and each fault of theirs names the file.</summary>
[Promise("config.conf-d")]
internal sealed class BridgeFolderTests
{
    private const string Own = """ "Name":"own", "Listen":"3001" """;
    private ScratchDirectory _scratch = null!;
    private string _file = null!;

    [SetUp]
    public void Write()
    {
        _scratch = new ScratchDirectory();
        _file = _scratch.Write("appsettings.json", LoadedText.Json(Own));
        Directory.CreateDirectory(_scratch["conf.d"]);
    }

    [TearDown]
    public void Remove() => _scratch.Dispose();

    [Test]
    public void Load_SeveralFiles_AddsBridgesInTheOrderOfTheirNames()
    {
        Add("b.json", """ "Name":"three", "Listen":"3003" """, """ "Name":"four", "Listen":"3004" """);
        Add("a.json", """ "Name":"two", "Listen":"3002" """);
        Assert.That(Names(), Is.EqualTo("own two three four"));
    }

    [Test]
    public void Load_WithoutTheFolder_IsRight()
    {
        Directory.Delete(_scratch["conf.d"]);
        Assert.That(Names(), Is.EqualTo("own"));
    }

    [Test]
    public void Load_FilesOfOtherNames_AreNotRead()
    {
        foreach (string name in new[] { ".a.json", "a.json~", "a.json.dpkg-new", "README" })
            _scratch.Write($"conf.d/{name}", "no JSON");
        Assert.That(Names(), Is.EqualTo("own"));
    }

    [Test]
    public void Load_ALinkInTheFolder_IsFollowed()
    {
        _scratch.Write("elsewhere.json", LoadedText.Json(""" "Name":"linked", "Listen":"3002" """));
        File.CreateSymbolicLink(_scratch["conf.d/a.json"], "../elsewhere.json");
        Assert.That(Names(), Is.EqualTo("own linked"));
    }

    [TestCase("""{"NsBridge":{"RuntimeDirectory":"/run/x"}}""", "NsBridge:RuntimeDirectory")]
    [TestCase("""{"NsBridge":{"Metrics":{"Listen":"9464"}}}""", "NsBridge:Metrics")]
    [TestCase("""{"NsBridge":{},"Logging":{"LogLevel":{"Default":"Debug"}}}""", "Logging")]
    public void Load_AKeyOfTheConfigurationItself_SaysWhereItBelongs(string json, string path)
    {
        string file = _scratch.Write("conf.d/a.json", json);
        ConfigurationOutcome outcome = Load();
        LoadedText.AssertOnlyFault(outcome, path, $"this belongs into {_file}");
        Assert.That(outcome.FaultText, Does.StartWith($"{file}: {path}: "));
        Assert.That(outcome.RuntimeDirectory, Is.EqualTo("/run/nsbridge"), "the right one is known");
    }

    [TestCase("", "the file is empty")]
    [TestCase("{\"NsBridge\":{\"Bridges\":[", "not valid JSON")]
    [TestCase("[]", "in braces")]
    public void Load_AFileThatIsNone_IsNamed(string json, string piece)
    {
        string file = _scratch.Write("conf.d/a.json", json);
        ConfigurationOutcome outcome = Load();
        LoadedText.AssertOnlyFault(outcome, file, piece);
        Assert.That(outcome.FaultText, Does.StartWith($"{file}: ").Or.StartWith($"{file} = "));
    }

    [Test]
    public void Load_FaultsOfAllFiles_AreReportedAtOnce()
    {
        File.WriteAllText(_file, "{");
        string first = Add("a.json", """ "Name":"two", "Listen":"nonsense" """);
        string second = _scratch.Write("conf.d/b.json", "{");
        string third = _scratch.Write("conf.d/c.json", "{}");
        File.CreateSymbolicLink(_scratch["conf.d/d.json"], "gone");
        string[] lines = [.. Load().Faults.Select(fault => fault.ToString())];
        Assert.That(lines, Has.Length.EqualTo(5), string.Join('\n', lines));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(lines[0], Does.StartWith($"{_file}: not valid JSON"));
            Assert.That(lines[1], Does.StartWith($"{first}: NsBridge:Bridges:0:Listen = \"nonsense\": ").And.EndWith("(bridge 'two')"));
            Assert.That(lines[2], Does.StartWith($"{second}: not valid JSON"));
            Assert.That(lines[3], Does.StartWith($"{third}: NsBridge: the section is missing"));
            Assert.That(lines[4], Does.StartWith($"{_scratch["conf.d/d.json"]}: this is a link to gone"));
        }
    }

    [Test]
    public void Load_OneNameInTwoFiles_NamesBoth()
    {
        Add("a.json", """ "Name":"own", "Listen":"3002" """);
        string second = Add("b.json", """ "Name":"own", "Listen":"3003" """);
        string fault = $"{second}: NsBridge:Bridges:0:Name = \"own\": the name is taken by NsBridge:Bridges:0:Name in {_file}";
        Assert.That(Load().FaultText, Does.Contain(fault));
    }

    [Test]
    public void Load_OnePortInTwoFiles_NamesBoth()
    {
        string first = Add("a.json", """ "Name":"two", "Listen":"3002" """);
        string second = Add("b.json", """ "Name":"three", "Listen":"*:3002" """);
        ConfigurationOutcome outcome = Load();
        LoadedText.AssertOnlyFault(outcome, "NsBridge:Bridges:0:Listen", $"this overlaps with NsBridge:Bridges:0:Listen in {first}");
        Assert.That(outcome.FaultText, Does.StartWith(second));
    }

    [Test]
    public void Load_APlainFileInPlaceOfTheFolder_IsAFault()
    {
        Directory.Delete(_scratch["conf.d"]);
        string folder = _scratch.Write("conf.d", "{}");
        LoadedText.AssertOnlyFault(Load(), folder, "this is a file; a folder");
    }

    [Test]
    public void Load_AFileOfSomebodyElse_IsReadIfTheConfigurationWasNamedInAFolderOfOnesOwn()
    {
        string added = Add("a.json", """ "Name":"two", "Listen":"3002" """);
        Assert.That(chown(added, 65_534, 65_534), Is.Zero);
        Assert.That(Names(), Is.EqualTo("own two"));

        File.SetUnixFileMode(_scratch.FullName, (UnixFileMode)0b1_111_111_111);
        ConfigurationOutcome outcome = Load();
        LoadedText.AssertOnlyFault(outcome, added, "belongs to user 65534");
        Assert.That(outcome.Faults[0].IsDistrust, Is.True);
    }

    [Test]
    public void Mark_OfWhateverIsSaved_IsAnother()
    {
        var marks = new HashSet<ConfigurationMark> { ConfigurationMark.Of(_file) };
        string added = Add("a.json", """ "Name":"two", "Listen":"3002" """);
        Assert.That(marks.Add(ConfigurationMark.Of(_file)), Is.True, "a new file");
        Assert.That(marks.Add(ConfigurationMark.Of(_file)), Is.False, "nothing");
        File.AppendAllText(added, " ");
        Assert.That(marks.Add(ConfigurationMark.Of(_file)), Is.True, "written to in place");
        File.Delete(added);
        Assert.That(marks.Add(ConfigurationMark.Of(_file)), Is.True, "removed");
        Directory.Delete(_scratch["conf.d"]);
        Assert.That(marks.Add(ConfigurationMark.Of(_file)), Is.True, "the folder removed");
    }

    private string Add(string name, params string[] bridges) => _scratch.Write($"conf.d/{name}", LoadedText.Json(bridges));

    private ConfigurationOutcome Load() => new ConfigurationLoader(_file, new Dictionary<string, string>()).Load();

    private string Names()
    {
        ConfigurationOutcome outcome = Load();
        return outcome.Settings is { } settings ? string.Join(' ', settings.Bridges.Select(bridge => bridge.Name)) : outcome.FaultText;
    }

    [DllImport("libc", CharSet = CharSet.Ansi)]
    private static extern int chown(string path, uint user, uint group);
}
