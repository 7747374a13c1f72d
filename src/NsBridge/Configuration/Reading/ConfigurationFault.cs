namespace NsBridge.Configuration.Reading;

/// <summary>One thing wrong in the configuration.</summary>
/// <param name="Path">The key's path, such as <c>NsBridge:Bridges:1:Listen</c>; the file where no key is to blame.</param>
/// <param name="Value">What was written; null where nothing was.</param>
/// <param name="Message">What would be right.</param>
internal sealed record ConfigurationFault(string Path, string? Value, string Message)
{
    private const int LongestValue = 120;

    /// <summary>The fault as one line without control characters.</summary>
    public override string ToString()
    {
        string line = Value is null ? $"{Path}: {Message}" : $"{Path} = \"{Shorten(Value)}\": {Message}";
        return string.Create(line.Length, line, static (target, source) =>
        {
            for (int i = 0; i < source.Length; i++)
                target[i] = char.IsControl(source[i]) ? '?' : source[i];
        });
    }

    private static string Shorten(string value) => value.Length <= LongestValue ? value : $"{value.AsSpan(0, LongestValue)}…";
}
