using System.Text.RegularExpressions;

namespace NsBridge.ArchitectureTests;

/// <summary>What a C# file declares: read from its text, because constants leave no trace in compiled code.</summary>
internal sealed partial class SourceFile
{
    internal SourceFile(string path, string text)
    {
        Path = path;
        Lines = text.TrimEnd('\n').Split('\n');
        Code = CodeText.Of(text);
        Namespace = NamespaceLine().Match(Code).Groups[1].Value;
        Usings = UsingLine().Matches(Code).Select(line => line.Groups[1].Value).ToHashSet();
        Types = TopLevel().ToHashSet();
        Extensions = ExtensionMethod().Matches(Code).Select(method => method.Groups[1].Value).ToHashSet();
        Tokens = [.. Token().Matches(UsingLine().Replace(NamespaceLine().Replace(Code, ""), "")).Select(token => token.Value)];
    }

    /// <summary>Relative to the source root, with slashes.</summary>
    internal string Path { get; }

    internal string[] Lines { get; }

    internal string Code { get; }

    internal string Namespace { get; }

    internal HashSet<string> Usings { get; }

    /// <summary>Names of the top-level types.</summary>
    internal HashSet<string> Types { get; }

    /// <summary>Names of the extension methods.</summary>
    internal HashSet<string> Extensions { get; }

    internal string[] Tokens { get; }

    /// <summary>
    /// The folder at this depth; the main project's own folders count from that project on, and <c>Program.cs</c> is one of them.
    /// </summary>
    internal string Folder(int depth)
    {
        string[] parts = Path.Split('/')[..^1];
        if (parts[0] != "NsBridge")
            return string.Join('/', parts.Take(depth));
        return parts.Length > 1 ? string.Join('/', parts.Skip(1).Take(depth)) : Path == "NsBridge/Program.cs" ? "Program" : "(root)";
    }

    /// <summary>Whether the file's namespace, one above it or a using makes this namespace's types visible.</summary>
    internal bool Sees(string space) => space.Length == 0 || Encloses(space) || Usings.Contains(space);

    internal bool Encloses(string space) => Namespace == space || Namespace.StartsWith(space + ".", StringComparison.Ordinal);

    private IEnumerable<string> TopLevel()
    {
        int depth = 0;
        foreach (Match match in Declaration().Matches(Code))
        {
            if (match.Value is "{" or "}")
                depth += match.Value == "{" ? 1 : -1;
            else if (depth == 0)
                yield return match.Groups["name"].Value;
        }
    }

    [GeneratedRegex(@"^\s*namespace\s+([\w.]+)\s*;", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^\s*(?:global\s+)?using\s+([\w.]+)\s*;", RegexOptions.Multiline)]
    private static partial Regex UsingLine();

    [GeneratedRegex(@"[{}]|\b(?:class|struct|interface|enum|record\s+struct|record\s+class|record)\s+(?<name>[A-Z_]\w*)"
        + @"|\bdelegate\s+[\w.<>?,\[\]\s*&]+?\s+(?<name>[A-Z_]\w*)\s*(?:<[^>]*>)?\s*\(")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\bstatic\b[^;{}=()]*?\b([A-Z]\w*)\s*(?:<[^>()]*>)?\s*\(\s*this\s+")]
    private static partial Regex ExtensionMethod();

    [GeneratedRegex(@"@?[A-Za-z_]\w*|::|=>|==|!=|\?\?|\?\.|&&|\|\||\S")]
    private static partial Regex Token();
}
