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

    /// <summary>The fault without control characters: one line, and two more with an excerpt.</summary>
    public override string ToString()
    {
        string line = Value is null ? $"{Path}: {Message}" : $"{Path} = \"{Shorten(Value)}\": {Message}";
        return Excerpt is not { } excerpt ? Plain(line, '?')
            : string.Join(Environment.NewLine, Plain(line, '?'), $"  {Plain(excerpt.Line, ' ')}", $"  {excerpt.Mark}");
    }

    private static string Plain(string line, char instead) => string.Create(line.Length, (line, instead), static (target, source) =>
    {
        for (int i = 0; i < target.Length; i++)
            target[i] = char.IsControl(source.line[i]) ? source.instead : source.line[i];
    });

    private static string Shorten(string value) => value.Length <= LongestValue ? value : $"{value.AsSpan(0, LongestValue)}…";
}
