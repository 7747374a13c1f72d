using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Control;

namespace NsBridge.Metrics;

/// <summary>
/// Serves <c>/metrics</c> over HTTP where the configuration asks for it. A responder of our own: Kestrel would nearly double the
/// executable (4 MB more) and the memory of the daemon (7 MiB more) for one fixed page that is fetched four times a minute.
/// </summary>
internal sealed partial class MetricsServer : IHostedService, IAsyncDisposable
{
    /// <summary>Bytes of the longest request head; a scraper sends a few hundred.</summary>
    private const int LongestHead = 8192;

    private const string PlainText = "text/plain; charset=utf-8";

    /// <summary>As a bridge's listener is tried again.</summary>
    private static readonly TimeSpan s_retryPeriod = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly DaemonSettings _settings;
    private readonly BridgeCounts _counts;
    private readonly ILogger<MetricsServer> _log;
    private LocalListener? _file;
    private ShortRequestServer? _server;
    private Task _keeping = Task.CompletedTask;

    public MetricsServer(DaemonSettings settings, BridgeCounts counts, ILogger<MetricsServer> log)
    {
        _settings = settings;
        _counts = counts;
        _log = log;
    }

    /// <summary>Serves, or waits for the address: an interface that is not up yet keeps no bridge from starting.</summary>
    /// <exception cref="UserErrorException">The address can never be listened on.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (_settings.Metrics is not { } endpoint)
            return Task.CompletedTask;
        string? trouble = null;
        try
        {
            Serve(endpoint);
        }
        catch (ListenUnavailableException fault)
        {
            trouble = fault.Message;
            NotServing(trouble);
        }
        _keeping = KeepServingAsync(endpoint, trouble, _stop.Token);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _keeping;
        await StopServingAsync();
    }

    private async Task StopServingAsync()
    {
        if (Interlocked.Exchange(ref _server, null) is { } server)
            await server.DisposeAsync();
        Interlocked.Exchange(ref _file, null)?.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _stop.Dispose();
    }

    private void Serve(MetricsEndpoint endpoint)
    {
        (IReadOnlyList<Socket>? sockets, _file) = MetricsListener.Open(endpoint);
        _server = new ShortRequestServer("The metrics endpoint", sockets, AnswerAsync, _log);
        Serving(endpoint.Text);
    }

    /// <summary>Serves once the address is there. A socket's file somebody may remove or replace at any time, and it is made anew.</summary>
    private async Task KeepServingAsync(MetricsEndpoint endpoint, string? told, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(s_retryPeriod);
        while (_server is null || _file is not null)
        {
            try
            {
                await timer.WaitForNextTickAsync(stop);
                if (_file is { IsInPlace: true })
                    continue;
                await StopServingAsync();
                Serve(endpoint);
                told = null;
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception fault) when (fault is ListenUnavailableException or UserErrorException)
            {
                // A shortage of descriptors, which a start would end with, passes too.
                if (fault.Message != told)
                    NotServing(fault.Message);
                told = fault.Message;
            }
        }
    }

    private async Task AnswerAsync(Socket client, CancellationToken deadline)
    {
        byte[] answer = await ReadHeadAsync(client, deadline) is { } head ? Answer(head) : Malformed();
        for (int sent = 0; sent < answer.Length;)
            sent += await client.SendAsync(answer.AsMemory(sent), deadline);
        // Bytes that nobody has read would turn the close into a reset, which may overtake the answer: end our side, then wait for theirs.
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

    /// <returns>Everything before the empty line; null where that does not come or is too long.</returns>
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
