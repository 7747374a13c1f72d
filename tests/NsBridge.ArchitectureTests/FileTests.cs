using System.Text.RegularExpressions;

namespace NsBridge.ArchitectureTests;

/// <summary>Names, sizes and words of the files themselves.</summary>
internal sealed partial class FileTests
{
    private const int LongestFile = 350;
    private const int LongestLine = 140;

    /// <summary>Words of a private language; the field has words of its own for what they meant.</summary>
    private static readonly string[] s_banned =
        ["Parcel", "Shelf", "Succession", "Untold", "Heed", "Patient", "SecondLife", "Gear", "Lonely", "Calm", "FailAfterItsWords",
            "Uptake"];

    [TestCase("src")]
    [TestCase("tests")]
    public void Namespace_OfEachFile_IsItsFolder(string top) => Assert.That(
        SourceTree.Read(top).Where(file => file.Namespace.Length > 0
            && file.Namespace != Path.GetDirectoryName(file.Path)!.Replace('/', '.'))
            .Select(file => $"{file.Path}: {file.Namespace}"),
        Is.Empty);

    [Test]
    public void Files_OfTheProduct_AreShort()
    {
        SourceFile[] found = [.. SourceTree.Product.Files.Where(file => file.Lines.Length > LongestFile)];
        Assert.That(found.Select(file => file.Path), Is.EquivalentTo(Allowed.LongFiles),
            () => string.Join('\n', found.Select(file => $"{file.Path}: {file.Lines.Length} lines")));
    }

    [TestCase("src")]
    [TestCase("tests")]
    public void Lines_AreShort(string top)
    {
        string[] found =
        [
            .. SourceTree.Read(top).SelectMany(file => file.Lines.Select((line, number) => (line, number))
                .Where(line => line.line.Length > LongestLine).Select(line => $"{file.Path}:{line.number + 1}")),
        ];
        Assert.That(found, Has.Length.LessThanOrEqualTo(Allowed.LongLines[top]), () => string.Join('\n', found));
    }

    /// <summary>A partial type is one that a source generator completes; only the kernel's calls are spread over files.</summary>
    [Test]
    public void Partial_TypesOfTheProduct_AreForSourceGenerators() => Assert.That(
        SourceTree.Product.Files.SelectMany(
            file => PartialType().Matches(file.Code).Select(match => (Type: match.Groups[1].Value, File: file)))
            .GroupBy(part => $"{part.File.Namespace}.{part.Type}").Where(type => !type.Key.EndsWith(".Libc", StringComparison.Ordinal))
            .Where(type => type.Count() > 1 || !Generator().IsMatch(type.First().File.Code)).Select(type => type.Key),
        Is.Empty);

    [Test]
    public void Identifiers_OfTheProduct_AreWordsOfTheField()
    {
        (string Word, string Place)[] found =
        [
            .. SourceTree.Product.Files.SelectMany(
                file => file.Tokens.Distinct().SelectMany(token => s_banned.Where(word => IsIn(word, token))
                .Select(word => (word, $"{file.Path}: {token}")))),
        ];
        Assert.That(found.Select(use => use.Word).Distinct(), Is.EquivalentTo(Allowed.Words), () =>
            string.Join('\n', found.Select(use => use.Place)));
    }

    /// <summary>The native executable has keys in place of the framework's messages.</summary>
    [Test]
    public void Messages_OfTheFrameworksExceptions_AreReadInOnePlace()
    {
        HashSet<string> own = [.. SourceTree.Product.Files.SelectMany(file => file.Types)];
        var found = new List<string>();
        foreach (SourceFile file in SourceTree.Product.Files.Where(file => file.Path != "NsBridge/Base/ErrorText.cs"))
        {
            var caught = new Dictionary<string, string>();
            foreach (Match match in CaughtOrRead().Matches(file.Code))
            {
                if (match.Groups["type"].Success)
                    caught[match.Groups["name"].Value] = match.Groups["type"].Value;
                else if (caught.TryGetValue(match.Groups["read"].Value, out string? type) && !own.Contains(type))
                    found.Add($"{file.Path}: {match.Value} of {type}");
            }
        }
        Assert.That(found, Is.Empty);
    }

    /// <summary>A word begins an identifier, follows an underscore, or begins with a capital inside it.</summary>
    private static bool IsIn(string word, string identifier) =>
        identifier.Contains(word, StringComparison.Ordinal) || identifier.TrimStart('@', '_')
            .StartsWith(word, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"\bpartial\s+(?:class|struct|interface|record)\s+(\w+)")]
    private static partial Regex PartialType();

    [GeneratedRegex(@"\bcatch\s*\((?<type>\w+)\s+(?<name>\w+)\)|\b(?<read>\w+)\.(?:Message|ToString)\b")]
    private static partial Regex CaughtOrRead();

    [GeneratedRegex(@"\[(?:LoggerMessage|LibraryImport|GeneratedRegex|JsonSerializable|OptionsValidator|JsonSourceGenerationOptions)\b")]
    private static partial Regex Generator();
}
