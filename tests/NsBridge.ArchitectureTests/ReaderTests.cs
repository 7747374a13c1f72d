namespace NsBridge.ArchitectureTests;

/// <summary>The reader of source text itself: it finds an arrow that has turned, and nothing in what is no code.</summary>
internal sealed class ReaderTests
{
    private static readonly SourceFile s_exit =
        new("NsBridge/Base/ExitCode.cs", "namespace NsBridge.Base;\nstatic class ExitCode { public const int Failed = 1; }");
    private static readonly SourceFile s_text = new("NsBridge/Base/Text.cs",
        "namespace NsBridge.Base;\nstatic class Text { public static string Cut(this string text) => text; }");

    [Test]
    public void Arrows_ConstantOfAFolderAbove_IsFound() => Assert.That(
        Wrong(new SourceFile("NsBridge/Control/Server.cs",
            "using NsBridge.Hosting;\nnamespace NsBridge.Control;\nclass Server { int Count => Limits.Most; }"),
            new SourceFile("NsBridge/Hosting/Limits.cs",
                "namespace NsBridge.Hosting;\nstatic class Limits { public const int Most = 1; }")),
        Is.EqualTo(["Control -> Hosting"]));

    [Test]
    public void Arrows_ExtensionMethodOfAFolderAbove_IsFound() => Assert.That(
        Wrong(new SourceFile("NsBridge.Linux/Names.cs",
            "using NsBridge.Base;\nnamespace NsBridge.Linux;\nclass Names { string Short(string name) => name.Cut(); }"), s_text),
        Is.EqualTo(["NsBridge.Linux -> Base"]));

    [Test]
    public void Arrows_InAHoleOfAString_IsFound() => Assert.That(
        Wrong(new SourceFile("NsBridge.Linux/A.cs",
            "using NsBridge.Base;\nnamespace NsBridge.Linux;\nclass A { string B => $\"{ExitCode.Failed:D}\"; }"), s_exit),
        Is.EqualTo(["NsBridge.Linux -> Base"]));

    [TestCase("// ExitCode.Failed")]
    [TestCase("/* ExitCode */")]
    [TestCase("string B => \"ExitCode\";")]
    [TestCase("string B => \"\"\" a \"ExitCode\" \"\"\";")]
    [TestCase("string B => @\"a\"\"ExitCode\";")]
    [TestCase("int ExitCode => 1;")]
    [TestCase("int B => new C { ExitCode = 1 };")]
    public void Arrows_NameThatIsNoType_IsNotFound(string line) => Assert.That(
        Wrong(new SourceFile("NsBridge.Linux/A.cs", $"using NsBridge.Base;\nnamespace NsBridge.Linux;\nclass A\n{{\n{line}\n}}\n"), s_exit),
        Is.Empty);

    [Test]
    public void Arrows_Downwards_AreAllowed() => Assert.That(
        Wrong(new SourceFile("NsBridge/Program.cs", "using NsBridge.Base;\nreturn ExitCode.Failed;"), s_exit), Is.Empty);

    [Test]
    public void Circles_OfFolders_AreFound()
    {
        var tree = new SourceTree(
        [
            new SourceFile("NsBridge/Bridges/Tcp/A.cs", "using NsBridge.Bridges.Udp;\nnamespace NsBridge.Bridges.Tcp;\nclass A { B b; }"),
            new SourceFile("NsBridge/Bridges/Udp/B.cs", "using NsBridge.Bridges.Tcp;\nnamespace NsBridge.Bridges.Udp;\nclass B { A a; }"),
        ]);
        Assert.That(tree.FolderCircles(2), Is.EqualTo(new[] { new[] { "Bridges/Tcp", "Bridges/Udp" } }));
        Assert.That(tree.FolderCircles(1), Is.Empty);
        Assert.That(tree.TypeCircles(1), Is.EqualTo(new[] { new[] { "A", "B" } }));
    }

    private static string[] Wrong(params SourceFile[] files) => ArrowTests.WrongEdges(new SourceTree(files));
}
