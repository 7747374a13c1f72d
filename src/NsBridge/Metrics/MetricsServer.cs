using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Settings;
using NsBridge.Control;

namespace NsBridge.Metrics;

/// <summary>Serves <c>/metrics</c> over HTTP if the configuration asks for it. A responder of our own: Kestrel would nearly double the
/// executable (4 MB more) and the memory of the daemon (7 MiB more) for one fixed page that is fetched four times a minute.</summary>
internal sealed partial class MetricsServer : IHostedService, IAsyncDisposable
{
    private const string PlainText = "text/plain; charset=utf-8";

    private readonly BridgeCounts _counts;
    private readonly ILogger<MetricsServer> _log;
    private readonly ServingLoop? _serving;

    public MetricsServer(DaemonSettings settings, BridgeCounts counts, ListeningSockets listening, ILogger<MetricsServer> log)
    {
        _counts = counts;
        _log = log;
        if (settings.Metrics is { } endpoint)
        {
            _serving = new ServingLoop("The metrics endpoint", new MetricsListener(endpoint, listening).Open, AnswerAsync, log)
            {
                Serving = _ => Serving(endpoint.Text),
                NotServing = NotServing,
            };
        }
    }

    /// <summary>Serves, or waits for the address: an interface that is not up yet keeps no bridge from starting.</summary>
    /// <exception cref="UserErrorException">The UNIX socket cannot be made.</exception>
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

    private Task AnswerAsync(Socket client, CancellationToken deadline) => HttpConnection.ServeAsync(client, Answer, deadline);

    private byte[] Answer(byte[]? bytes)
    {
        if (!HttpRequestHead.TryParse(bytes, out HttpRequestHead head))
            return HttpAnswer.Write("400 Bad Request", PlainText, "This is not HTTP/1.1.\n");
        if (head.Method is not ("GET" or "HEAD"))
            return HttpAnswer.Write("405 Method Not Allowed", PlainText, "Only GET and HEAD.\n", extraHeader: "Allow: GET, HEAD");
        bool headOnly = head.Method == "HEAD";
        return head.Path == "/metrics"
            ? HttpAnswer.Write("200 OK", PrometheusText.ContentType, PrometheusText.Write(_counts.Take()), headOnly)
            : HttpAnswer.Write("404 Not Found", PlainText, "The metrics are at /metrics.\n", headOnly);
    }

    [LoggerMessage(EventId = 2202, Level = LogLevel.Information, Message = "Metrics are served at {Endpoint}, path /metrics")]
    private partial void Serving(string endpoint);

    [LoggerMessage(EventId = 2203, Level = LogLevel.Warning, Message = "Metrics cannot be served yet; tried again each second: {Fault}")]
    private partial void NotServing(string fault);
}
