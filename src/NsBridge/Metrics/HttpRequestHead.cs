using System.Text;

namespace NsBridge.Metrics;

/// <summary>The first line of an HTTP/1.x request; what follows it does not matter for what is served here.</summary>
/// <param name="Method">As sent; methods are case-sensitive.</param>
/// <param name="Path">Without the query.</param>
internal readonly record struct HttpRequestHead(string Method, string Path)
{
    /// <summary>Reads <c>METHOD TARGET HTTP/1.x</c>.</summary>
    /// <param name="head">Everything before the empty line.</param>
    /// <param name="value">What was asked for.</param>
    public static bool TryParse(ReadOnlySpan<byte> head, out HttpRequestHead value)
    {
        value = default;
        int end = head.IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = (end < 0 ? head : head[..end]).TrimEnd((byte)'\r');
        foreach (byte b in line)
        {
            if (b is < 0x20 or > 0x7e)
                return false;
        }

        string[] parts = Encoding.ASCII.GetString(line).Split(' ');
        if (parts is not [{ Length: > 0 } method, { Length: > 0 } target, "HTTP/1.1" or "HTTP/1.0"])
            return false;
        // The absolute form is for proxies, but every server has to take it (RFC 9112, 3.2.2).
        if (target.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
        {
            int slash = target.IndexOf('/', "http://".Length);
            target = slash < 0 ? "/" : target[slash..];
        }

        int query = target.IndexOf('?', StringComparison.Ordinal);
        value = new HttpRequestHead(method, query < 0 ? target : target[..query]);
        return true;
    }
}
