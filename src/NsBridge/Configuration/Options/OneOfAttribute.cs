namespace NsBridge.Configuration.Options;

/// <summary>One of a few words, in any case.</summary>
internal sealed class OneOfAttribute(params string[] words) : WrittenAttribute
{
    public string[] Words => words;

    protected override string? FaultOf(string text) => words.Contains(text, StringComparer.OrdinalIgnoreCase)
        ? null
        : $"write {string.Join(", ", words[..^1])} or {words[^1]}";
}
