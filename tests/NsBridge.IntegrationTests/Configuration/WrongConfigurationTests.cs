using System.Text.Json.Nodes;
using NsBridge.IntegrationTests.Commands;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Configuration;

/// <summary>Every wrong configuration ends <c>check</c> and <c>run</c> alike with 78, the key's path and no stack trace.</summary>
[Promise("config.faults")]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.All)]
internal sealed class WrongConfigurationTests
{
    private const int WrongConfiguration = 78;
    private const string First = "NsBridge:Bridges:0";

    private ScratchDirectory _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new ScratchDirectory();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [TestCaseSource(nameof(WrongKeys))]
    [Promise("cli.exit-codes")]
    public Task Key_Wrong_IsNamedByCheckAndRunAlike(string path, string value) => CheckRefusedAsync(With(path, value), path);

    [TestCaseSource(nameof(WrongPairs))]
    public Task Bridges_Conflicting_AreNamedByCheckAndRunAlike(string path, string first, string second)
    {
        JsonNode file = JsonNode.Parse("""{ "NsBridge": { "Bridges": [] } }""")!;
        JsonArray bridges = file["NsBridge"]!["Bridges"]!.AsArray();
        bridges.Add(JsonNode.Parse(first));
        bridges.Add(JsonNode.Parse(second));
        return CheckRefusedAsync(file.ToJsonString(), path);
    }

    [TestCase("", TestName = "File_Empty_IsRefused")]
    [TestCase("   \n", TestName = "File_Blank_IsRefused")]
    [TestCase("{", TestName = "File_Unfinished_IsRefused")]
    [TestCase("{ \"NsBridge\": { \"Bridges\": [ }", TestName = "File_WrongJson_IsRefused")]
    [TestCase("[]", TestName = "File_List_IsRefused")]
    [TestCase("\"text\"", TestName = "File_Text_IsRefused")]
    [TestCase("{}", TestName = "File_WithoutSection_IsRefused")]
    [TestCase("\u0000\u0001\u0002", TestName = "File_Binary_IsRefused")]
    [Promise("cli.no-traces")]
    public Task File_Wrong_IsRefused(string content) => CheckRefusedAsync(content, "appsettings.json", "NsBridge");

    [Test]
    public async Task File_Missing_IsRefused()
    {
        foreach (string? command in new[] { "check", "run" })
        {
            CommandResult result = await Executable.RunAsync([command, "--config", _folder["none.json"]]);
            Assert.That(result.ExitCode, Is.EqualTo(WrongConfiguration), result.Everything);
            Assert.That(result.Everything, Does.Contain(_folder["none.json"]));
            Executable.CheckPlain(result);
        }
    }

    [Test]
    public async Task File_IsAFolder_IsRefused()
    {
        foreach (string? command in new[] { "check", "run" })
        {
            CommandResult result = await Executable.RunAsync([command, "--config", _folder.FullName]);
            Assert.That(result.ExitCode, Is.EqualTo(WrongConfiguration), result.Everything);
            Executable.CheckPlain(result);
        }
    }

    [Test]
    public Task Faults_Several_AreToldAllAtOnce()
    {
        string bridges = """
            { "NsBridge": { "ShutdownTimeout": "soon", "Colour": "red", "Bridges": [
              { "Name": "bad name", "Listen": "3003", "Namespace": "vpn", "Target": "example.com:80" },
              { "Name": "two", "Listen": "127.0.0.1:99999", "Namespace": "vpn", "Target": "127.0.0.1:80", "Join": "glue", "MaxConnections": -1 }
            ] } }
            """;
        return CheckAllAsync(
            bridges,
            "NsBridge:ShutdownTimeout", "NsBridge:Colour", $"{First}:Name", $"{First}:Target",
            "NsBridge:Bridges:1:Listen", "NsBridge:Bridges:1:Join", "NsBridge:Bridges:1:MaxConnections");
    }

    [Test]
    public async Task Environment_Wrong_IsNamedLikeTheFile()
    {
        string file = _folder.Write("appsettings.json", Good().ToJsonString());
        foreach (string? command in new[] { "check", "run" })
        {
            CommandResult result = await Executable.RunAsync(
                [command, "--config", file], new Dictionary<string, string?> { ["NsBridge__Bridges__0__Target"] = "nonsense" });
            Assert.That(result.ExitCode, Is.EqualTo(WrongConfiguration), result.Everything);
            Assert.That(result.Everything, Does.Contain($"{First}:Target").And.Contain("nonsense"));
            Executable.CheckPlain(result);
        }
    }

    /// <summary>The loader passes over such a directory: the host's own validation of its options refuses it, on the native executable too.</summary>
    [Test]
    public async Task Run_DirectoryOfTheServiceManagerNotAbsolute_IsRefusedByTheHost()
    {
        string file = _folder.Write("appsettings.json", """{ "NsBridge": { "Bridges": [] } }""");
        var environment = new Dictionary<string, string?> { ["RUNTIME_DIRECTORY"] = "run" };
        CommandResult run = await Executable.RunAsync(["run", "--config", file], environment);
        CommandResult check = await Executable.RunAsync(["check", "--config", file], environment);
        Assert.That(run.ExitCode, Is.EqualTo(WrongConfiguration), run.Everything);
        Assert.That(run.Everything, Does.Contain("NsBridge:RuntimeDirectory = \"run\": the path must be absolute, such as /run/nsbridge"));
        Executable.CheckPlain(run);
        Assert.That(check.ExitCode, Is.Zero, check.Everything);
    }

    [Test]
    public async Task Check_Schema_IsPrinted()
    {
        CommandResult result = await Executable.RunAsync(["check", "--schema"]);
        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        JsonNode bridge = JsonNode.Parse(result.Output)!["properties"]!["NsBridge"]!["properties"]!["Bridges"]!["items"]!["properties"]!;
        Assert.That(bridge["ConnectTimeout"]!["default"]!.GetValue<string>(), Is.EqualTo("00:00:05"));
        Assert.That(bridge["Listen"]!["type"]!.ToJsonString(), Is.EqualTo("""["string","integer","array"]"""));
    }

    [Test]
    public async Task Check_GoodFile_EndsWithZeroAndStartsNothing()
    {
        string file = _folder.Write("appsettings.json", Good().ToJsonString());

        CommandResult result = await Executable.RunAsync(["check", "--config", file]);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(Directory.GetFileSystemEntries(_folder.FullName), Has.Length.EqualTo(1), "files made by check");
    }

    [Test]
    public async Task Check_WithoutConfig_TakesTheFileInTheWorkingFolder()
    {
        string executable = await PublishedDaemon.PathAsync();
        _folder.Write("appsettings.json", Good().ToJsonString());
        CommandResult good = await Command.RunAsync("env", ["-C", _folder.FullName, executable, "check"]);
        _folder.Write("appsettings.json", With($"{First}:Target", "\"nonsense\""));
        CommandResult wrong = await Command.RunAsync("env", ["-C", _folder.FullName, executable, "check"]);

        Assert.That(good.ExitCode, Is.Zero, good.Everything);
        Assert.That(good.Output, Does.Contain($"{_folder.FullName}/appsettings.json"), "that another file than the packaged one was read shows");
        Assert.That(wrong.ExitCode, Is.EqualTo(WrongConfiguration), wrong.Everything);
        Assert.That(wrong.Everything, Does.Contain($"{First}:Target"));
    }

    [Test]
    public async Task Check_FileInTheRepository_IsGood()
    {
        CommandResult result = await Executable.RunAsync(["check", "--config", Path.Combine(Repository.Root, "appsettings.json")]);

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
    }

    /// <summary>The key's path and a wrong value as JSON; <c>absent</c> takes the key away.</summary>
    private static IEnumerable<TestCaseData> WrongKeys()
    {
        (string Key, string[] Values)[] wrong =
        [
            ($"{First}:Name", ["absent", "\"\"", "\"bad name\"", "\"-web\"", "\"a/b\"", $"\"{new string('a', 65)}\"", "\"wéb\"", "null"]),
            ($"{First}:Enabled", ["\"perhaps\"", "7"]),
            ($"{First}:Protocol", ["\"sctp\"", "\"\""]),
            ($"{First}:Listen", [
                "\"\"", "\"nonsense\"", "\"0\"", "0", "-1", "65536", "\"127.0.0.1\"", "\"127.0.0.1:\"", "\"127.0.0.1:0\"", "\"127.0.0.1:65536\"",
                "\"127.0.0.256:80\"", "\"localhost\"", "\"example.com:80\"", "\"::1:80\"", "\"[::1]\"", "\"[::g]:80\"", "\"127.0.0.1:90-80\"",
                "\"127.0.0.1:80-70000\"", "\"127.0.0.1:80-\"", "\"127.0.0.1:+80\"", "\" 127.0.0.1:80\"", "\"127.1:80\"", "\"0x7f000001:80\"", "3.5", "{}",
            ]),
            ($"{First}:Listen:1", ["[\"127.0.0.1:3003\", \"nonsense\"]", "[\"127.0.0.1:3003\", \"127.0.0.1:3003\"]"]),
            ($"{First}:ListenNamespace", ["\"a/b\"", "\"\"", "\"pid:x\""]),
            ($"{First}:Socket", ["\"relative.sock\"", "\"\"", $"\"/tmp/{new string('a', 110)}\""]),
            ($"{First}:SocketMode", ["\"999\"", "\"rw\"", "\"01777777\"", "\"\"", "\"-1\""]),
            ($"{First}:SocketGroup", ["\"no such group\"", "\"\""]),
            ($"{First}:Namespace", ["\"\"", "\"..\"", "\"a/b\"", "\"pid:\"", "\"pid:x\"", "\"pid:-1\"", "\"pid:0\"", "\"unit:\"", "\"container:\"", "\"weird:thing\"", "\"relative/path\""]),
            ($"{First}:Target", [
                "absent", "\"\"", "\"example.com:80\"", "\"127.0.0.1\"", "\"127.0.0.1:0\"", "\"127.0.0.1:65536\"", "\"*:80\"", "\"80\"", "\"[::1]\"",
                "\"unix:\"", "\"unix:relative\"", "\"unix:@\"", $"\"unix:/{new string('a', 110)}\"", "\"127.0.0.1:80-90\"", "\"localhost\"", "\"LOCAL HOST:80\"",
            ]),
            ($"{First}:Join", ["\"glue\"", "\"\"", "7"]),
            ($"{First}:ConnectTimeout", ["\"soon\"", "\"-00:00:01\"", "\"00:00:00\"", "\"\""]),
            ($"{First}:TargetWait", ["\"soon\"", "\"-00:00:01\""]),
            ($"{First}:IdleTimeout", ["\"soon\"", "\"-00:00:01\""]),
            ($"{First}:KeepAlive", ["\"soon\"", "\"-00:00:01\""]),
            ($"{First}:MaxConnections", ["-1", "\"many\"", "1.5", "99999999999"]),
            ($"{First}:MaxConnectionsPerClient", ["-1", "\"many\""]),
            ($"{First}:AllowFrom:0", ["[\"\"]", "[\"nonsense\"]", "[\"10.0.0.0/33\"]", "[\"10.0.0.0/\"]", "[\"::/129\"]", "[\"example.com\"]", "[\"10.0.0.1/8\"]"]),
            ($"{First}:ProxyProtocol", ["\"v3\"", "\"\""]),
            ($"{First}:WhenNamespaceGoes", ["\"cry\"", "\"\""]),
            ($"{First}:Colour", ["\"red\""]),
            ("NsBridge:RuntimeDirectory", ["\"relative\"", "\"\""]),
            ("NsBridge:ShutdownTimeout", ["\"soon\"", "\"-00:00:01\"", "\"\""]),
            ("NsBridge:Metrics:Listen", ["{ \"Listen\": \"nonsense\" }", "{ \"Listen\": \"example.com:80\" }", "{ \"Listen\": \"127.0.0.1:99999\" }"]),
            ("NsBridge:Metrics:Port", ["{ \"Port\": 9464 }"]),
            ("NsBridge:Bridges", ["{}", "\"web\"", "7", "null"]),
            ("NsBridge:Bridge", ["[]", "\"web\""]),
        ];
        return wrong.SelectMany(key => key.Values.Select(value =>
            new TestCaseData(key.Key, value).SetArgDisplayNames(key.Key, value.Length > 40 ? $"{value[..20]}... ({value.Length})" : value)));
    }

    /// <summary>The path of the fault and two bridges that cannot be together.</summary>
    private static IEnumerable<string[]> WrongPairs()
    {
        const string web = """{ "Name": "web", "Listen": "127.0.0.1:3003", "Namespace": "vpn", "Target": "127.0.0.1:80" }""";
        const string second = "NsBridge:Bridges:1";
        yield return [$"{second}:Name", web, web.Replace("3003", "3004", StringComparison.Ordinal)];
        foreach (string? listen in new[] { "\"127.0.0.1:3003\"", "3003", "\"0.0.0.0:3003\"", "\"*:3003\"", "\"127.0.0.1:3000-3010\"", "[\"127.0.0.1:1\", \"127.0.0.1:3003\"]" })
        {
            bool ranged = listen.Contains("3010", StringComparison.Ordinal);
            yield return [$"{second}:Listen", web, $$"""{ "Name": "two", "Listen": {{listen}}, "Namespace": "vpn", "Target": "127.0.0.1:{{(ranged ? "80-90" : "80")}}" }"""];
        }
        yield return [
            $"{second}:Socket",
            """{ "Name": "web", "Listen": 3003, "Socket": "/tmp/x.sock", "Namespace": "vpn", "Target": "127.0.0.1:80" }""",
            """{ "Name": "two", "Listen": 3004, "Socket": "/tmp/x.sock", "Namespace": "vpn", "Target": "127.0.0.1:80" }""",
        ];
        yield return [$"{second}:Target", web, """{ "Name": "two", "Listen": "127.0.0.1:4000-4009", "Namespace": "vpn", "Target": "127.0.0.1:4000-4008" }"""];
        yield return [$"{second}", web, """{ "Name": "nothing" }"""];
        yield return [$"{second}:Target", web, """{ "Name": "two", "Listen": 3004, "Namespace": "vpn" }"""];
    }

    private static JsonNode Good() => JsonNode.Parse(
        """{ "NsBridge": { "Bridges": [ { "Name": "web", "Listen": "127.0.0.1:3003", "Namespace": "vpn", "Target": "127.0.0.1:3000" } ] } }""")!;

    /// <summary>The good file with one key changed. A key one step below a list stands for the list as a whole, given as the value.</summary>
    private static string With(string path, string value)
    {
        JsonNode file = Good();
        string[] steps = path.Split(':');
        if (value.StartsWith('[') && int.TryParse(steps[^1], out _))
            steps = steps[..^1];
        if (value.StartsWith('{') && steps[^2] == "Metrics")
            steps = steps[..^1];
        JsonNode at = file;
        foreach (string step in steps[..^1])
            at = int.TryParse(step, out int index) ? at[index]! : at[step]!;
        if (value == "absent")
            at.AsObject().Remove(steps[^1]);
        else
            at[steps[^1]] = JsonNode.Parse(value);
        return file.ToJsonString();
    }

    private Task CheckRefusedAsync(string content, params string[] oneOf) => RefuseAsync(content, result =>
        Assert.That(oneOf.Any(path => result.Everything.Contains(path, StringComparison.Ordinal)), Is.True, () => $"names {string.Join(" or ", oneOf)}:\n{result.Everything}"));

    private Task CheckAllAsync(string content, params string[] all) => RefuseAsync(content, result =>
    {
        foreach (string path in all)
            Assert.That(result.Everything, Does.Contain(path));
    });

    private async Task RefuseAsync(string content, Action<CommandResult> check)
    {
        string file = _folder.Write("appsettings.json", content);
        foreach (string? command in new[] { "check", "run" })
        {
            CommandResult result = await Executable.RunAsync([command, "--config", file]);
            Assert.That(result.ExitCode, Is.EqualTo(WrongConfiguration), $"{command}: {result.Everything}");
            check(result);
            Executable.CheckPlain(result);
        }
    }
}
