using NsBridge.Base;

namespace NsBridge.Configuration.Reading;

/// <summary>One thing wrong in the configuration.</summary>
/// <param name="Path">The key's path, such as <c>NsBridge:Bridges:1:Listen</c>; the file if no key is to blame.</param>
/// <param name="Value">As written; null if nothing was.</param>
/// <param name="Message">What would be right.</param>
internal sealed record ConfigurationFault(string Path, string? Value, string Message)
{
    private const int LongestValue = 120;

    /// <summary>The line of the file and a mark below the place, if there is one.</summary>
    public (string Line, string Mark)? Excerpt { get; init; }

    /// <summary>The file of conf.d that the key stands in; null for the configuration file itself and for the environment.</summary>
    public string? File { get; init; }

    /// <summary>The name of the bridge below whose number the key stands; null if it has none, or if the name itself is at fault.</summary>
    public string? Bridge { get; init; }

    /// <summary>Whether somebody else decides what the configuration says: no command acts on it, also not on what is right.</summary>
    public bool IsDistrust { get; init; }

    /// <summary>The fault without control characters: one line, and two more with an excerpt.</summary>
    public override string ToString()
    {
        string value = Value is null ? "" : $" = \"{Shorten(Value)}\"";
        string file = File is null || File == Path ? "" : $"{File}: ";
        string line = PlainText.Line($"{file}{Path}{value}: {Message}{(Bridge is null ? "" : $" (bridge '{Bridge}')")}");
        return Excerpt is not { } excerpt ? line
            : string.Join(Environment.NewLine, line, $"  {PlainText.Line(excerpt.Line.Replace('\t', ' '))}", $"  {excerpt.Mark}");
    }

    private static string Shorten(string value) => value.Length <= LongestValue ? value : $"{value.AsSpan(0, LongestValue)}…";
}
