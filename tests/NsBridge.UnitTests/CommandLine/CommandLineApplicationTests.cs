using System.CommandLine;
using NsBridge.Base;
using NsBridge.CommandLine;
using NsBridge.Commands.Check;
using NsBridge.Commands.Demo;
using NsBridge.Commands.Discover;
using NsBridge.Commands.Doctor;
using NsBridge.Commands.Expose;
using NsBridge.Commands.Import;
using NsBridge.Commands.Status;

namespace NsBridge.UnitTests.CommandLine;

[TestFixture]
internal sealed class CommandLineApplicationTests
{
    private readonly List<object?> _ran = [];
    private RootCommand _root = null!;

    [SetUp]
    public void BuildTree()
    {
        _ran.Clear();
        _root = new RootCommand();
        _root.Directives.Clear();
        VerbSyntax.Run(_root, (config, _) => Ran($"run {config}"));
        _root.Subcommands.Add(VerbSyntax.Expose((options, _) => Ran(options)));
        _root.Subcommands.Add(VerbSyntax.Check((options, _) => Ran(options)));
        _root.Subcommands.Add(VerbSyntax.Status((options, _) => Ran(options)));
        _root.Subcommands.Add(VerbSyntax.Doctor((options, _) => Ran(options)));
        _root.Subcommands.Add(VerbSyntax.Discover((options, _) => Ran(options)));
        _root.Subcommands.Add(VerbSyntax.Import((options, _) => Ran(options)));
        _root.Subcommands.Add(VerbSyntax.Demo((options, _) => Ran(options)));
        _root.Subcommands.Add(VerbSyntax.Help(_root));
    }

    [TestCase("", "run ")]
    [TestCase("--config f", "run f")]
    [TestCase("--config=f", "run f")]
    [TestCase("run", "run ")]
    [TestCase("run --config f", "run f")]
    public async Task Run_WithOrWithoutItsVerb_IsTheDefault(string line, string expected)
    {
        Assert.That(await Invoke(line), Is.EqualTo(5));
        Assert.That(_ran, Is.EqualTo(new[] { expected }));
    }

    [Test]
    public async Task Verbs_WithTheirOptions_AreUnderstood()
    {
        foreach (string? line in new[]
        {
            "check --config f", "check --schema", "status --json --watch", "status --config f", "doctor web --json", "doctor", "discover vpn --json", "discover", "demo", "demo --once", "import a b", "import --namespace vpn a",
        })
        {
            Assert.That(await Invoke(line), Is.EqualTo(5), line);
        }

        Assert.That(_ran, Is.EqualTo(new object[]
        {
            new CheckOptions("f"), new CheckOptions(null, true), new StatusOptions(true, true, null), new StatusOptions(false, false, "f"), new DoctorOptions("web", true, null),
            new DoctorOptions(null, false, null), new DiscoverOptions("vpn", true, null), new DiscoverOptions(null, false, null), new DemoOptions(false), new DemoOptions(true),
            new ImportOptions(["a", "b"], null), new ImportOptions(["a"], "vpn"),
        }));
    }

    [Test]
    public async Task Expose_WithItsOptions_IsUnderstood()
    {
        const string Line = "expose vpn 3000 unix:/a --listen 0 --udp --into --allow 10.0.0.0/8 --allow ::1/128 --join relay --json";
        Assert.That(await Invoke(Line), Is.EqualTo(5));

        var options = (ExposeOptions)_ran.Single()!;
        Assert.That(options, Is.EqualTo(new ExposeOptions("vpn", options.Targets, "0", true, true, options.Allow, "relay", true)));
        Assert.That(options.Targets, Is.EqualTo(new[] { "3000", "unix:/a" }));
        Assert.That(options.Allow, Is.EqualTo(new[] { "10.0.0.0/8", "::1/128" }));
    }

    [TestCase("fly")]
    [TestCase("help fly")]
    [TestCase("help check more")]
    [TestCase("--fly")]
    [TestCase("check --fly")]
    [TestCase("check extra")]
    [TestCase("check --config")]
    [TestCase("check --config a --config b")]
    [TestCase("--config a check")]
    [TestCase("doctor one two")]
    [TestCase("discover a/b")]
    [TestCase("expose")]
    [TestCase("expose vpn")]
    [TestCase("expose a/b 3000")]
    [TestCase("expose vpn web")]
    [TestCase("expose vpn 3000 --listen x/y:0")]
    [TestCase("expose vpn 3000 --allow 10.0.0.0/33")]
    [TestCase("expose vpn 3000 --join both")]
    [TestCase("expose vpn 3000 --fly")]
    [TestCase("import")]
    [TestCase("import --namespace a/b c")]
    [TestCase("demo --config f")]
    [TestCase("discover --wirte")]
    [TestCase("discover vpn --wirte")]
    [TestCase("discover -x")]
    [TestCase("doctor --al")]
    [TestCase("doctor --al --config f")]
    [TestCase("import a --namespac")]
    [TestCase("import --verbose -- a")]
    [TestCase("status --json=maybe")]
    [TestCase("check @f")]
    [TestCase("[diagram] check")]
    [TestCase("[diagram]")]
    [TestCase("[env:A=b] run")]
    public async Task CommandLine_Wrong_Exits64AndRunsNothing(string line)
    {
        Assert.That(await Invoke(line), Is.EqualTo(ExitCode.Usage));
        Assert.That(_ran, Is.Empty);
    }

    [Test]
    public async Task Argument_WithADashBehindTheDoubleDashOrAlone_IsAnArgument()
    {
        foreach (string? line in new[] { "doctor -- --al", "import -", "import a -- -b --", "import --namespace vpn -- -b", "check --config -f" })
            Assert.That(await Invoke(line), Is.EqualTo(5), line);

        Assert.That(_ran, Is.EqualTo(new object[]
        {
            new DoctorOptions("--al", false, null), new ImportOptions(["-"], null), new ImportOptions(["a", "-b", "--"], null), new ImportOptions(["-b"], "vpn"), new CheckOptions("-f"),
        }));
    }

    [TestCase("stauts", "status")]
    [TestCase("disc", "discover")]
    [TestCase("Demo", "demo")]
    [TestCase("hlep", "help")]
    public void Suggestion_OfANameThatIsNear_IsTheCommand(string word, string command) =>
        Assert.That(CommandLineApplication.Suggestion(_root, word), Is.EqualTo($" Did you mean 'nsbridge {command}'?"));

    [TestCase("fly")]
    [TestCase("x")]
    [TestCase("-x")]
    public void Suggestion_OfAnotherWord_IsEmpty(string word) => Assert.That(CommandLineApplication.Suggestion(_root, word), Is.Empty);

    [Test]
    public async Task Config_Empty_Exits64() =>
        Assert.That(await CommandLineApplication.RunAsync(_root, ["check", "--config", ""], default), Is.EqualTo(ExitCode.Usage));

    [TestCase("--help")]
    [TestCase("-h")]
    [TestCase("check --help")]
    [TestCase("help")]
    [TestCase("help check")]
    [TestCase("help help")]
    [TestCase("--version")]
    public async Task HelpAndVersion_ExitWellAndRunNothing(string line)
    {
        Assert.That(await Invoke(line), Is.Zero);
        Assert.That(_ran, Is.Empty);
    }

    [Test]
    public async Task UserFault_InAVerb_BecomesItsExitCode()
    {
        var root = new RootCommand();
        root.Subcommands.Add(VerbSyntax.Demo((_, _) => throw new UserErrorException("needs CAP_SYS_ADMIN", ExitCode.Privilege)));
        Assert.That(await CommandLineApplication.RunAsync(root, ["demo"], default), Is.EqualTo(77));
    }

    [Test]
    public async Task Check_OnAWrongFile_Exits78()
    {
        using var signals = new StopSignals(TimeProvider.System, () => { });
        RootCommand root = CommandTree.Build(signals);
        Assert.That(await CommandLineApplication.RunAsync(root, ["check", "--config", "/usr"], default), Is.EqualTo(ExitCode.Configuration));
    }

    private Task<int> Invoke(string line) =>
        CommandLineApplication.RunAsync(_root, line.Split(' ', StringSplitOptions.RemoveEmptyEntries), default);

    private Task<int> Ran(object? what)
    {
        _ran.Add(what);
        return Task.FromResult(5);
    }
}
