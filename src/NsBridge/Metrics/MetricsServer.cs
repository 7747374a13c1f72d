using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Configuration.Settings;
using NsBridge.Control;

namespace NsBridge.Metrics;

/// <summary>Serves <c>/metrics</c> over HTTP if the configuration asks for it. A responder of our own: Kestrel would nearly double the
/// executable (4 MB more) and the memory of the daemon (7 MiB more) for one fixed page that is fetched four times a minute.</summary>
internal sealed partial class MetricsServer : IHostedService, IAsyncDisposable
{
    /// <summary>Bytes of the longest request head; a scraper sends a few hundred.</summary>
    private const int LongestHead = 8192;

    private const string PlainText = "text/plain; charset=utf-8";

    private readonly BridgeCounts _counts;
    private readonly ILogger<MetricsServer> _log;
    private readonly ServingLoop? _serving;

    public MetricsServer(DaemonSettings settings, BridgeCounts counts, ILogger<MetricsServer> log)
    {
        _counts = counts;
        _log = log;
        if (settings.Metrics is { } endpoint)
        {
            _serving = new ServingLoop("The metrics endpoint", () => MetricsListener.Open(endpoint), AnswerAsync, log)
            {
                Serving = _ => Serving(endpoint.Text),
                NotServing = NotServing,
            };
        }
    }

    /// <summary>Serves, or waits for the address: an interface that is not up yet keeps no bridge from starting.</summary>
    /// <exception cref="UserErrorException">The address can never be listened on.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _serving?.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        if (_serving is not null)
            await _serving.DisposeAsync();
    }

    private async Task AnswerAsync(Socket client, CancellationToken deadline)
    {
        byte[] answer = await ReadHeadAsync(client, deadline) is { } head ? Answer(head) : Malformed();
        for (int sent = 0; sent < answer.Length;)
            sent += await client.SendAsync(answer.AsMemory(sent), deadline);
        // Closing a socket with unread bytes sends a reset, which may overtake the answer: end this side, then wait for the peer's end.
        client.Shutdown(SocketShutdown.Send);
        byte[] rest = new byte[512];
        for (int read = 0; read < LongestHead;)
        {
            int count = await client.ReceiveAsync(rest, deadline);
            if (count == 0)
                return;
            read += count;
        }
    }

    /// <returns>Everything before the empty line; null if that does not come or is too long.</returns>
    private static async Task<byte[]?> ReadHeadAsync(Socket client, CancellationToken deadline)
    {
        byte[] buffer = new byte[LongestHead];
        for (int length = 0; length < buffer.Length;)
        {
            int count = await client.ReceiveAsync(buffer.AsMemory(length), deadline);
            if (count == 0)
                return null;
            length += count;
            int end = EndOfHead(buffer.AsSpan(0, length));
            if (end >= 0)
                return buffer[..end];
        }
        return null;
    }

    private static int EndOfHead(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf("\r\n\r\n"u8);
        // A bare line feed ends a line too (RFC 9112, 2.2).
        return end >= 0 ? end : bytes.IndexOf("\n\n"u8);
    }

    private byte[] Answer(byte[] bytes)
    {
        if (!HttpRequestHead.TryParse(bytes, out HttpRequestHead head))
            return Malformed();
        if (head.Method is not ("GET" or "HEAD"))
            return HttpAnswer.Write("405 Method Not Allowed", PlainText, "Only GET and HEAD.\n", extraHeader: "Allow: GET, HEAD");
        bool headOnly = head.Method == "HEAD";
        return head.Path == "/metrics"
            ? HttpAnswer.Write("200 OK", PrometheusText.ContentType, PrometheusText.Write(_counts.Take()), headOnly)
            : HttpAnswer.Write("404 Not Found", PlainText, "The metrics are at /metrics.\n", headOnly);
    }

    private static byte[] Malformed() => HttpAnswer.Write("400 Bad Request", PlainText, "This is not HTTP/1.1.\n");

    [LoggerMessage(EventId = 2202, Level = LogLevel.Information, Message = "Metrics are served at {Endpoint}, path /metrics")]
    private partial void Serving(string endpoint);

    [LoggerMessage(EventId = 2203, Level = LogLevel.Warning, Message = "Metrics cannot be served yet; tried again each second: {Fault}")]
    private partial void NotServing(string fault);
}
