using System.Text;

namespace NsBridge.Configuration.Values;

/// <summary>Parses absolute paths; <c>..</c> and repeated slashes are resolved.</summary>
internal static class AbsolutePath
{
    /// <summary>Parses a directory's path; the value has no slash at its end.</summary>
    public static bool TryParseDirectory(string text, out string value, out string fault)
    {
        if (!TryParse(text, "/run/nsbridge", out value, out fault))
            return false;
        value = Path.TrimEndingDirectorySeparator(value);
        return true;
    }

    /// <summary>Parses the path of a UNIX socket.</summary>
    public static bool TryParseSocket(string text, out string value, out string fault)
    {
        if (!TryParse(text, "/run/nsbridge/web.sock", out value, out fault))
            return false;
        int length = Encoding.UTF8.GetByteCount(value);
        if (length > TargetEndpoint.LongestUnixName)
            fault = $"the path of a socket is at most {TargetEndpoint.LongestUnixName} bytes; this is {length}";
        else if (value.EndsWith('/'))
            fault = "this is a directory's path; the socket needs a file name";
        return fault.Length == 0;
    }

    private static bool TryParse(string text, string example, out string value, out string fault)
    {
        value = "";
        fault = !text.StartsWith('/') ? $"the path must be absolute, such as {example}"
            : text.Contains('\0', StringComparison.Ordinal) ? "a path cannot hold a zero byte"
            : "";
        if (fault.Length > 0)
            return false;
        value = Path.GetFullPath(text);
        return true;
    }
}
