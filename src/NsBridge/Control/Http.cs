using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace NsBridge.Control;

/// <summary>The first line of an HTTP/1.x request, and what its head says of where it comes from.</summary>
/// <param name="Method">As sent; methods are case-sensitive.</param>
/// <param name="Path">Without the query.</param>
/// <param name="Host">The field Host; null if there is none.</param>
/// <param name="FetchSite">The field Sec-Fetch-Site; null if there is none.</param>
internal readonly record struct HttpRequestHead(string Method, string Path, string? Host = null, string? FetchSite = null)
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
        value = new HttpRequestHead(method, query < 0 ? target : target[..query], Field(head, "host"u8), Field(head, "sec-fetch-site"u8));
        return true;
    }

    private static string? Field(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
    {
        foreach (Range range in head.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = head[range];
            if (line.Length > name.Length && line[name.Length] == ':' && Ascii.EqualsIgnoreCase(line[..name.Length], name))
                return Encoding.ASCII.GetString(line[(name.Length + 1)..]).Trim();
        }
        return null;
    }
}

/// <summary>A complete HTTP/1.1 answer, after which the connection is closed.</summary>
internal static class HttpAnswer
{
    /// <param name="status">The code and its text, such as <c>200 OK</c>.</param>
    /// <param name="contentType">Of the body.</param>
    /// <param name="body">The content.</param>
    /// <param name="headOnly">For a HEAD request: the same headers without the body.</param>
    /// <param name="extraHeader">More header lines, without the end of the last; null for none.</param>
    public static byte[] Write(string status, string contentType, string body, bool headOnly = false, string? extraHeader = null)
    {
        byte[] content = Encoding.UTF8.GetBytes(body);
        string extra = extraHeader is null ? "" : extraHeader + "\r\n";
        string head = string.Create(CultureInfo.InvariantCulture,
            $"HTTP/1.1 {status}\r\nContent-Type: {contentType}\r\nContent-Length: {content.Length}\r\n{extra}Connection: close\r\n\r\n");
        return [.. Encoding.ASCII.GetBytes(head), .. headOnly ? [] : content];
    }
}

/// <summary>A connection with one HTTP request.</summary>
internal static class HttpConnection
{
    /// <summary>Bytes of the longest request head; a scraper sends a few hundred, a browser some thousands.</summary>
    private const int LongestHead = 16 << 10;

    /// <summary>Answers the request; the caller closes the connection.</summary>
    /// <param name="client">The connection.</param>
    /// <param name="answer">Takes everything before the empty line; null if that does not come or is too long.</param>
    /// <param name="deadline">Ends the exchange.</param>
    public static async Task ServeAsync(Socket client, Func<byte[]?, byte[]> answer, CancellationToken deadline)
    {
        byte[] buffer = new byte[LongestHead];
        int length = 0, end = -1;
        for (int count; end < 0 && length < LongestHead && (count = await client.ReceiveAsync(buffer.AsMemory(length), deadline)) > 0;)
        {
            length += count;
            end = EndOfHead(buffer.AsSpan(0, length));
        }
        byte[] bytes = answer(end < 0 ? null : buffer[..end]);
        for (int sent = 0; sent < bytes.Length;)
            sent += await client.SendAsync(bytes.AsMemory(sent), deadline);
        // Closing a socket with unread bytes sends a reset, which may overtake the answer: end this side, then wait for the peer's end.
        client.Shutdown(SocketShutdown.Send);
        for (int read = 0, count; read < LongestHead && (count = await client.ReceiveAsync(buffer, deadline)) > 0;)
            read += count;
    }

    private static int EndOfHead(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf("\r\n\r\n"u8);
        // A bare line feed ends a line too (RFC 9112, 2.2).
        return end >= 0 ? end : bytes.IndexOf("\n\n"u8);
    }
}
