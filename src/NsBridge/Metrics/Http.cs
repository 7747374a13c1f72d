using System.Globalization;
using System.Text;

namespace NsBridge.Metrics;

/// <summary>The first line of an HTTP/1.x request; the rest of the head is not needed here.</summary>
/// <param name="Method">As sent; methods are case-sensitive.</param>
/// <param name="Path">Without the query.</param>
internal readonly record struct HttpRequestHead(string Method, string Path)
{
    /// <summary>Reads <c>METHOD TARGET HTTP/1.x</c>.</summary>
    /// <param name="head">Everything before the empty line.</param>
    /// <param name="value">The request.</param>
    public static bool TryParse(ReadOnlySpan<byte> head, out HttpRequestHead value)
    {
        value = default;
        int end = head.IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = (end < 0 ? head : head[..end]).TrimEnd((byte)'\r');
        if (line.IndexOfAnyExceptInRange((byte)0x20, (byte)0x7e) >= 0)
            return false;
        string[] parts = Encoding.ASCII.GetString(line).Split(' ');
        if (parts is not [{ Length: > 0 } method, { Length: > 0 } target, "HTTP/1.1" or "HTTP/1.0"])
            return false;
        // The absolute form is for proxies, but every server has to accept it (RFC 9112, 3.2.2).
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

/// <summary>A complete HTTP/1.1 answer, after which the connection is closed.</summary>
internal static class HttpAnswer
{
    /// <param name="status">The code and its text, such as <c>200 OK</c>.</param>
    /// <param name="contentType">Of the body.</param>
    /// <param name="body">The content.</param>
    /// <param name="headOnly">For a HEAD request: the same headers without the body.</param>
    /// <param name="extraHeader">One more header line without its end; null for none.</param>
    public static byte[] Write(string status, string contentType, string body, bool headOnly = false, string? extraHeader = null)
    {
        byte[] content = Encoding.UTF8.GetBytes(body);
        string extra = extraHeader is null ? "" : extraHeader + "\r\n";
        string head = string.Create(CultureInfo.InvariantCulture,
            $"HTTP/1.1 {status}\r\nContent-Type: {contentType}\r\nContent-Length: {content.Length}\r\n{extra}Connection: close\r\n\r\n");
        return [.. Encoding.ASCII.GetBytes(head), .. headOnly ? [] : content];
    }
}
