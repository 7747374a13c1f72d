namespace NsBridge.Configuration.Written;

internal sealed class AbsolutePathAttribute : WrittenAttribute
{
    protected override string? FaultOf(string text)
    {
        if (!text.StartsWith('/'))
            return "the path must be absolute, such as /run/nsbridge/web.sock";
        return text.Contains('\0', StringComparison.Ordinal) ? "a path cannot hold a zero byte" : null;
    }
}
