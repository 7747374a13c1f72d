using System.Globalization;
using System.Text;

namespace NsBridge.Metrics;

/// <summary>A whole HTTP/1.1 answer, after which the connection is closed.</summary>
internal static class HttpAnswer
{
    /// <param name="status">The code and its words, such as <c>200 OK</c>.</param>
    /// <param name="contentType">Of the body.</param>
    /// <param name="body">The content.</param>
    /// <param name="headOnly">Answer a HEAD request: the same headers without the body.</param>
    /// <param name="extraHeader">One more header line without its end; null for none.</param>
    public static byte[] Write(string status, string contentType, string body, bool headOnly = false, string? extraHeader = null)
    {
        byte[] content = Encoding.UTF8.GetBytes(body);
        StringBuilder head = new StringBuilder()
            .Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {status}\r\n")
            .Append(CultureInfo.InvariantCulture, $"Content-Type: {contentType}\r\n")
            .Append(CultureInfo.InvariantCulture, $"Content-Length: {content.Length}\r\n");
        if (extraHeader is not null)
            head.Append(extraHeader).Append("\r\n");
        head.Append("Connection: close\r\n\r\n");
        byte[] answer = [.. Encoding.ASCII.GetBytes(head.ToString()), .. headOnly ? [] : content];
        return answer;
    }
}
