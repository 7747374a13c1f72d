using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Reading;
using NsBridge.Configuration.Settings;
using NsBridge.Control;

namespace NsBridge.Metrics;

/// <summary>Serves <c>/metrics</c> and the <see cref="StatusPage"/> over HTTP if the configuration asks for it. A responder of our own:
/// Kestrel would nearly double the executable (4 MB more) and the memory of the daemon (7 MiB more) for a few fixed pages.</summary>
internal sealed partial class MetricsServer : IHostedService, IAsyncDisposable
{
    private const string PlainText = "text/plain; charset=utf-8";

    /// <summary>Beyond so many clients at once, those of a second share a page: measured with 1,000 bridges, 50 slow readers cost 150 MiB
    /// otherwise.</summary>
    private const int FewClients = 4;
    private const long PagePeriod = 1000;

    private readonly ConfigurationLoader _loader;
    private readonly IBridgeReports _reports;
    private readonly BridgeCounts _counts;
    private readonly ILogger<MetricsServer> _log;
    private readonly ServingLoop? _serving;
    private readonly Lock _pageLock = new();
    private readonly WeakReference<byte[]> _page = new([]);
    private long _pageTime;
    private int _clients;

    public MetricsServer(
        DaemonSettings settings, ConfigurationLoader loader, IBridgeReports reports, ListeningSockets listening, ILogger<MetricsServer> log)
    {
        _loader = loader;
        _reports = reports;
        _counts = new BridgeCounts(reports);
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

    private async Task AnswerAsync(Socket client, CancellationToken deadline)
    {
        Interlocked.Increment(ref _clients);
        try
        {
            await HttpConnection.ServeAsync(client, Answer, deadline);
        }
        finally
        {
            Interlocked.Decrement(ref _clients);
        }
    }

    private byte[] Answer(byte[]? bytes)
    {
        if (!HttpRequestHead.TryParse(bytes, out HttpRequestHead head))
            return HttpAnswer.Write("400 Bad Request", PlainText, "This is not HTTP/1.1.\n");
        if (head.Method is not ("GET" or "HEAD"))
            return HttpAnswer.Write("405 Method Not Allowed", PlainText, "Only GET and HEAD.\n", extraHeader: "Allow: GET, HEAD");
        bool headOnly = head.Method == "HEAD";
        if (SiteGuard.Refusal(head) is { } refusal)
            return HttpAnswer.Write("403 Forbidden", PlainText, refusal, headOnly);
        return head.Path switch
        {
            "/metrics" => HttpAnswer.Write("200 OK", PrometheusText.ContentType, PrometheusText.Write(_counts.Take()), headOnly),
            "/" => headOnly ? Page("text/html", StatusPage.Write(Status, DateTimeOffset.UtcNow), headOnly) : SharedPage(),
            "/page.css" => Page("text/css", StatusPage.Part("page.css"), headOnly),
            "/page.js" => Page("text/javascript", StatusPage.Part("page.js"), headOnly),
            "/status.json" => Page(
                "application/json", JsonSerializer.Serialize(Status, StatusJson.Readable.StatusDocument), headOnly),
            _ => HttpAnswer.Write("404 Not Found", PlainText, "There are /, /status.json and /metrics.\n", headOnly),
        };
    }

    private byte[] SharedPage()
    {
        lock (_pageLock)
        {
            long now = Environment.TickCount64;
            bool isFresh = now - _pageTime < PagePeriod && Volatile.Read(ref _clients) > FewClients;
            if (!_page.TryGetTarget(out byte[]? page) || !isFresh)
            {
                page = Page("text/html", StatusPage.Write(Status, DateTimeOffset.UtcNow));
                _page.SetTarget(page);
                _pageTime = now;
            }
            return page;
        }
    }

    private static byte[] Page(string type, string body, bool headOnly = false) =>
        HttpAnswer.Write("200 OK", $"{type}; charset=utf-8", body, headOnly, StatusPage.Headers);

    private StatusDocument Status => StatusDocument.Now(_loader.File, _reports);

    [LoggerMessage(EventId = 2202, Level = LogLevel.Information, Message = "Metrics are served at {Endpoint}, path /metrics")]
    private partial void Serving(string endpoint);

    [LoggerMessage(EventId = 2203, Level = LogLevel.Warning, Message = "Metrics cannot be served yet; tried again each second: {Fault}")]
    private partial void NotServing(string fault);
}
