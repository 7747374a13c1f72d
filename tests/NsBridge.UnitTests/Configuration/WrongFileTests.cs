using System.Runtime.InteropServices;
using System.Text;
using NsBridge.Base;
using NsBridge.Configuration.Reading;
using NsBridge.Fixtures;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Configuration;

/// <summary>Faults of the file as a whole, and of what stands beside the bridges.</summary>
[TestFixture]
internal sealed class WrongFileTests
{
    [TestCase("", "the file is empty")]
    [TestCase(" \r\n\t", "the file is empty")]
    [TestCase("\0\0\0\0", "the file is empty")]
    [TestCase("{\n  \"NsBridge\": {\n    \"Bridges\" [\n", "line 3, column 15; a bracket, brace or comma may be missing before the mark")]
    [TestCase("{\"NsBridge\":{}", "not valid JSON at line 1")]
    [TestCase("{\"NsBridge\":{}}}", "not valid JSON at line 1, column 16")]
    [TestCase("// nothing else\n", "not valid JSON")]
    [TestCase("[]", "in braces")]
    [TestCase("null", "in braces")]
    [TestCase("\"NsBridge\"", "in braces")]
    [TestCase("{\"NsBridge\":{\"RuntimeDirectory\":\"\\ud800\"}}", "surrogate")]
    public void Load_FileThatIsNoConfiguration_SaysWhatAndWhere(string json, string piece)
    {
        ConfigurationOutcome outcome = LoadedText.Load(json);
        LoadedText.AssertOnlyFault(outcome, outcome.File, piece);
    }

    [TestCase("{\n  \"NsBridge\": {\n    \"A\": 1\n\t\"B\": 2 } }", "   \"B\": 2 } }\n   ^")]
    [TestCase("{ \"é\": 1 \"B\": 2 }", "  { \"é\": 1 \"B\": 2 }\n           ^")]
    public void Load_MissingComma_ShowsTheLineWithAMark(string json, string piece) =>
        Assert.That(LoadedText.Load(json).FaultText, Does.EndWith(piece.Replace("\n", Environment.NewLine, StringComparison.Ordinal)));

    [Test]
    public void Load_LongLineWithoutAComma_ShowsThePlace()
    {
        string[] lines = LoadedText.Load("{" + new string(' ', 500) + "\"A\": 1 \"B\"" + new string(' ', 500) + "}").FaultText.Split(Environment.NewLine);
        Assert.That(lines, Has.Length.EqualTo(3));
        Assert.That(lines[1][lines[2].IndexOf('^', StringComparison.Ordinal)..], Does.StartWith("\"B\""));
        Assert.That(lines[1], Has.Length.LessThan(130));
    }

    [Test]
    public void Load_DeepNesting_IsAFault()
    {
        ConfigurationOutcome outcome = LoadedText.Load(new string('[', 5000));
        LoadedText.AssertOnlyFault(outcome, outcome.File, "not valid JSON");
    }

    [Test]
    public void Load_Utf16_SaysUtf8()
    {
        ConfigurationOutcome outcome = LoadedText.Load([.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes("{\"NsBridge\":{}}")]);
        LoadedText.AssertOnlyFault(outcome, outcome.File, "UTF-8");
    }

    [TestCase("""{}""", "NsBridge", "section is missing")]
    [TestCase("""{"Logging":{}}""", "NsBridge", "section is missing")]
    [TestCase("""{"NsBridge":null}""", "NsBridge", "in braces")]
    [TestCase("""{"NsBridge":[]}""", "NsBridge", "in braces")]
    [TestCase("""{"NsBrige":{}}""", "NsBrige", "did you mean NsBridge?")]
    [TestCase("""{"NsBridge":{},"nsbridge":{}}""", "NsBridge", "given twice")]
    [TestCase("""{"NsBridge":{},"Serilog":{}}""", "Serilog", "no such key")]
    [TestCase("""{"NsBridge":{"Bridges":{}}}""", "NsBridge:Bridges", "list in brackets")]
    [TestCase("""{"NsBridge":{"Bridges":"web"}}""", "NsBridge:Bridges", "list in brackets")]
    [TestCase("""{"NsBridge":{"Bridges":null}}""", "NsBridge:Bridges", "list in brackets")]
    [TestCase("""{"NsBridge":{"Bridges":[null]}}""", "NsBridge:Bridges:0", "in braces")]
    [TestCase("""{"NsBridge":{"Bridges":["web"]}}""", "NsBridge:Bridges:0", "in braces")]
    [TestCase("""{"NsBridge":{"Bridges":[],"bridges":[]}}""", "NsBridge:Bridges", "given twice")]
    [TestCase("""{"NsBridge":{"RuntimeDirectory":"run"}}""", "NsBridge:RuntimeDirectory", "absolute")]
    [TestCase("""{"NsBridge":{"ShutdownTimeout":"-00:00:05"}}""", "NsBridge:ShutdownTimeout", "negative")]
    [TestCase("""{"NsBridge":{"ShutdownTimeout":"25:00:00"}}""", "NsBridge:ShutdownTimeout", "below 24")]
    [TestCase("""{"NsBridge":{"EventLoops":65}}""", "NsBridge:EventLoops", "0 to 64")]
    [TestCase("""{"NsBridge":{"IoUring":"perhaps"}}""", "NsBridge:IoUring", "true or false")]
    [TestCase("""{"NsBridge":{"BusyPoll":"on"}}""", "NsBridge:BusyPoll", "write auto or off")]
    [TestCase("""{"NsBridge":{"Metrics":"127.0.0.1:9464"}}""", "NsBridge:Metrics", "in braces")]
    [TestCase("""{"NsBridge":{"Metrics":{"Listen":"example.com:9464"}}}""", "NsBridge:Metrics:Listen", "not an IP address")]
    [TestCase("""{"NsBridge":{"Metrics":{"Listen":"9464,9465"}}}""", "NsBridge:Metrics:Listen", "one address")]
    [TestCase("""{"NsBridge":{"Metrics":{"Listen":"9464-9465"}}}""", "NsBridge:Metrics:Listen", "one port")]
    [TestCase("""{"NsBridge":{"Metrics":{"Listen":"unix:@m"}}}""", "NsBridge:Metrics:Listen", "unix:/path")]
    [TestCase("""{"NsBridge":{"Metrics":{"Listen":"unix:/run/nsbridge/control"}}}""", "NsBridge:Metrics:Listen", "control socket")]
    [TestCase("""{"NsBridge":{"Metrics":{"Lissten":"1"}}}""", "NsBridge:Metrics:Lissten", "did you mean Listen?")]
    public void Load_WrongKeyOutsideBridges_TellsIt(string json, string path, string piece) =>
        LoadedText.AssertOnlyFault(LoadedText.Load(json), path, piece);

    [Test]
    public void Load_MissingFile_SaysSo()
    {
        string file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        ConfigurationOutcome outcome = new ConfigurationLoader(file, new Dictionary<string, string>()).Load();
        LoadedText.AssertOnlyFault(outcome, file, "no such file");
    }

    [Test]
    public void Load_FileThatMayNotBeRead_NamesItsModeAndWhoMayNot()
    {
        using var scratch = new Testing.ScratchDirectory();
        scratch.OpenToEveryone();
        string file = scratch.Write("appsettings.json", "{}");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        // The privileges over files go with the change and come back with it.
        int own = setfsuid(65_534);
        ConfigurationOutcome outcome;
        try
        {
            outcome = new ConfigurationLoader(file, new Dictionary<string, string>()).Load();
        }
        finally
        {
            _ = setfsuid((uint)own);
        }

        LoadedText.AssertOnlyFault(outcome, file, "(permission denied): it has mode 0600 and belongs to user 0, group 0; the user that runs nsbridge has to read it (chmod a+r");
    }

    [DllImport("libc")]
    private static extern int setfsuid(uint user);

    [Test]
    public void Load_Directory_SaysSo()
    {
        ConfigurationOutcome outcome = new ConfigurationLoader("/usr", new Dictionary<string, string>()).Load();
        LoadedText.AssertOnlyFault(outcome, "/usr", "directory");
    }

    [Test]
    public void Load_ALinkToItself_NamesTheError()
    {
        using var scratch = new ScratchDirectory();
        File.CreateSymbolicLink(scratch["a.json"], "b.json");
        File.CreateSymbolicLink(scratch["b.json"], "a.json");

        ConfigurationOutcome outcome = new ConfigurationLoader(scratch["a.json"], new Dictionary<string, string>()).Load();

        LoadedText.AssertOnlyFault(outcome, outcome.File, "ELOOP");
    }

    [TestCase("/etc/passwd/a.json", "ENOTDIR")]
    [TestCase("/proc/self/mem", "EIO")]
    public void Load_AFileThatCannotBeRead_NamesTheError(string file, string error) =>
        LoadedText.AssertOnlyFault(new ConfigurationLoader(file, new Dictionary<string, string>()).Load(), file, error);

    [Test]
    public void Load_EndlessFile_IsRefused()
    {
        ConfigurationOutcome outcome = new ConfigurationLoader("/dev/zero", new Dictionary<string, string>()).Load();
        LoadedText.AssertOnlyFault(outcome, "/dev/zero", "larger than 16 MiB");
    }

    [Test]
    public void SettingsOrFault_WithFaults_ThrowsTheirTextWithExitCode78()
    {
        UserErrorException? fault = Assert.Throws<UserErrorException>(() => LoadedText.Load("{\"NsBridge\":{\"A\":1,\"B\":2}}").SettingsOrFault());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(fault.ExitCode, Is.EqualTo(78));
            Assert.That(fault.Message.Split(Environment.NewLine), Has.Length.EqualTo(2));
        }
    }

    [Test]
    public void Load_ARelativeDirectory_SuggestsOne() =>
        LoadedText.AssertOnlyFault(LoadedText.Load("""{"NsBridge":{"RuntimeDirectory":"run"}}"""), "NsBridge:RuntimeDirectory", "such as /run/nsbridge");

    [Test]
    public void Load_ALinkThatLeadsNowhere_SaysWhereTo()
    {
        using var scratch = new ScratchDirectory();
        File.CreateSymbolicLink(scratch["appsettings.json"], "gone.json");

        ConfigurationOutcome outcome = new ConfigurationLoader(scratch["appsettings.json"], new Dictionary<string, string>()).Load();

        LoadedText.AssertOnlyFault(outcome, outcome.File, "a link to gone.json, which is not there");
    }

    [Test]
    public void Load_ADirectoryTooLongForTheControlSocket_IsAFault()
    {
        string directory = "/run/" + new string('n', 98);
        ConfigurationOutcome outcome = LoadedText.Load($$$"""{"NsBridge":{"RuntimeDirectory":"{{{directory}}}"}}""");

        LoadedText.AssertOnlyFault(outcome, "NsBridge:RuntimeDirectory", "at most 107");
        Assert.That(LoadedText.Load($$$"""{"NsBridge":{"RuntimeDirectory":"{{{directory[..^4]}}}"}}""").Faults, Is.Empty);
    }

    [TestCase("""{"NsBridge":{"RuntimeDirectory":"/run/x","EventLoops":-1}}""", "/run/x")]
    [TestCase("""{"nsbridge":{"runtimedirectory":"/run/x/", "Bridges": [ { """, "/run/x")]
    [TestCase("""{"NsBridge":{"Bridges": [ { "Name": }, "RuntimeDirectory":"/run/x"}""", null)]
    [TestCase("""{"NsBridge":{"RuntimeDirectory":"run/x"}}""", null)]
    [TestCase("""{"NsBridge":{"Bridges":1}}""", "/run/nsbridge")]
    public void Load_OfAWrongFile_TellsTheDirectoryWhereItCanBeRead(string json, string? directory)
    {
        ConfigurationOutcome outcome = LoadedText.Load(json);

        Assert.That(outcome.Faults, Is.Not.Empty);
        Assert.That(outcome.RuntimeDirectory, Is.EqualTo(directory));
    }

    [Test]
    public void Load_OfABrokenFileWithADirectoryInTheEnvironment_TellsThat()
    {
        Assert.That(LoadedText.Load("{", ("NSBRIDGE__RuntimeDirectory", "/run/y")).RuntimeDirectory, Is.EqualTo("/run/y"));
        Assert.That(LoadedText.Load("{", ("RUNTIME_DIRECTORY", "/run/z:/run/y")).RuntimeDirectory, Is.EqualTo("/run/z"));
    }
}
