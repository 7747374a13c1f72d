using System.Text.RegularExpressions;
using NsBridge.Testing;

namespace NsBridge.ArchitectureTests;

/// <summary>docs/architecture.md leads through the code: its files exist, and its walks are short. The tests that
/// CONTRIBUTING.md names exist.</summary>
internal sealed partial class DocumentTests
{
    private static readonly string s_text = File.ReadAllText(Path.Combine(Repository.Root, "docs/architecture.md"));

    [Test]
    public void Files_NamedInTheDocument_Exist() =>
        Assert.That(NamedFiles(s_text).Where(file => !Path.Exists(Path.Combine(Repository.Root, file))), Is.Empty);

    [TestCase("One connection", 20)]
    [TestCase("One reload", 30)]
    [TestCase("One restart", 30)]
    [TestCase("One vanished namespace", 15)]
    public void Walk_ThroughTheCode_IsShort(string heading, int limit)
    {
        Match section = Regex.Match(
            s_text, $@"^#+ {Regex.Escape(heading)}\s*$(.*?)(?=^#|\z)", RegexOptions.Multiline | RegexOptions.Singleline);
        Assert.That(section.Success, $"a section '{heading}'");
        Assert.That(NamedFiles(section.Groups[1].Value).Distinct().Count(), Is.InRange(1, limit));
    }

    [Test]
    public void Filters_InContributing_FindTests()
    {
        string tests = string.Join('\n', SourceTree.Read("tests").Select(file => file.Code));
        string[] names = [.. TestFilter().Matches(File.ReadAllText(Path.Combine(Repository.Root, "CONTRIBUTING.md"))).Select(match =>
            match.Groups[1].Value)];
        Assert.That(names, Is.Not.Empty);
        Assert.That(names.Where(name => !tests.Contains(name, StringComparison.Ordinal)), Is.Empty);
    }

    private static IEnumerable<string> NamedFiles(string text) => FilePath().Matches(text).Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"`((?:src|tests|docs|deploy)/[\w./-]+\.\w+)`")]
    private static partial Regex FilePath();

    [GeneratedRegex(@"Name~(\w+)")]
    private static partial Regex TestFilter();
}
