namespace NsBridge.ArchitectureTests;

/// <summary>Folders name each other downwards only.</summary>
internal sealed class ArrowTests
{
    private const int LargestTypeCircle = 4;

    /// <summary>Which folders a folder may name; docs/architecture.md draws its short form.</summary>
    private const string Table =
        """
        NsBridge.Relaying -> NsBridge.Linux
        Base -> NsBridge.Linux
        Configuration -> NsBridge.Linux, Base
        Systemd -> NsBridge.Linux, Base
        Logging -> Configuration, Base
        Namespaces -> NsBridge.Linux, Base, Configuration, Systemd
        HotRestart -> NsBridge.Linux, NsBridge.Relaying, Systemd
        Bridges -> NsBridge.Linux, NsBridge.Relaying, Base, Configuration, Namespaces, HotRestart, Systemd, Logging
        Control -> NsBridge.Linux, Base, Configuration, Logging, Bridges
        Metrics -> Base, Configuration, Bridges, Control
        Hosting -> NsBridge.Linux, Base, Configuration, Systemd, Logging, HotRestart, Bridges, Control, Metrics
        Commands -> NsBridge.Linux, Base, Configuration, Systemd, Logging, Namespaces, HotRestart, Bridges, Control, Hosting
        CommandLine -> Base, Configuration, Hosting, Commands
        Program -> Base, Hosting, Commands, CommandLine
        """;

    [Test]
    public void Arrows_OfTheProduct_AreThoseOfTheTable()
    {
        ILookup<string, string> edges = SourceTree.Product.Edges(1);
        string[] wrong = WrongEdges(SourceTree.Product);
        Assert.That(wrong, Is.Empty, () =>
            string.Join('\n', wrong.Select(edge => $"{edge}: {string.Join(", ", edges[edge])}")));
    }

    [Test]
    public void Folders_AtDepthTwo_FormNoCircle() => Assert.That(SourceTree.Product.FolderCircles(2), Is.Empty);

    [Test]
    public void Types_OfTheProduct_FormNoLargeCircle() =>
        Assert.That(SourceTree.Product.TypeCircles(LargestTypeCircle), Is.Empty);

    internal static string[] WrongEdges(SourceTree tree)
    {
        HashSet<string> allowed =
        [
            .. Table.Split('\n').Select(line => line.Split(" -> "))
            .SelectMany(line => line[1].Split(", ").Select(to => $"{line[0]} -> {to}")),
        ];
        return [.. tree.Edges(1).Select(edge => edge.Key).Where(edge => !allowed.Contains(edge)).Order(StringComparer.Ordinal)];
    }
}
