namespace NsBridge.Configuration.Options;

/// <param name="example">A right value, for the fault.</param>
internal sealed class AbsolutePathAttribute(string example) : WrittenAttribute
{
    protected override string? FaultOf(string text)
    {
        if (!text.StartsWith('/'))
            return $"the path must be absolute, such as {example}";
        return text.Contains('\0', StringComparison.Ordinal) ? "a path cannot hold a zero byte" : null;
    }
}
