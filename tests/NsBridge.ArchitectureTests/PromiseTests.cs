using System.Text.RegularExpressions;
using NsBridge.Testing;

namespace NsBridge.ArchitectureTests;

/// <summary>Each promise of docs/promises.md has a test that carries its id, and no test carries another one.</summary>
internal sealed partial class PromiseTests
{
    private static readonly HashSet<string> s_promised =
        [.. Entry().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs/promises.md"))).Select(match => match.Groups[1].Value)];

    private static readonly ILookup<string, string> s_carried = SourceTree.Read("tests")
        .SelectMany(file => file.Lines.SelectMany(line => Carried().Matches(line)).Select(match => (Id: match.Groups[1].Value, file.Path)))
        .ToLookup(use => use.Id, use => use.Path);

    [Test]
    public void Promises_EachOne_IsProvedByATest() => Assert.That(s_promised.Where(id => !s_carried.Contains(id)), Is.Empty);

    [Test]
    public void Tests_ThatCarryAPromise_CarryOneThatIsWrittenDown() =>
        Assert.That(s_carried.Where(use => !s_promised.Contains(use.Key)).Select(use => $"{use.Key}: {string.Join(", ", use)}"), Is.Empty);

    [GeneratedRegex(@"^- `([a-z.-]+)`: ", RegexOptions.Multiline)]
    private static partial Regex Entry();

    [GeneratedRegex(@"^\s*\[Promise\(""([^""]*)""\)\]")]
    private static partial Regex Carried();
}
