using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using NsBridge.Bridges.Lifecycle;

namespace NsBridge.Commands.Expose;

/// <summary>Takes the message of each bridge that begins to serve out of the log, once: it goes to standard output.</summary>
/// <param name="place">Gets all other messages.</param>
/// <param name="serving">Gets the names of the bridges. Event loops log too, and must not wait for standard output.</param>
internal sealed class FirstUpFilter(ILoggerProvider place, ChannelWriter<string> serving) : ILoggerProvider
{
    private readonly ConcurrentDictionary<string, bool> _known = [];

    public ILogger CreateLogger(string categoryName) => new Filter(place.CreateLogger(categoryName), this);

    public void Dispose() => place.Dispose();

    private bool Takes<TState>(EventId message, TState state) =>
        message.Id == BridgeLog.UpEvent
        && state is IReadOnlyList<KeyValuePair<string, object?>> and [(_, string bridge), ..]
        && _known.TryAdd(bridge, true)
        && serving.TryWrite(bridge);

    private sealed class Filter(ILogger log, FirstUpFilter owner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => log.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => log.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!owner.Takes(eventId, state))
                log.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}
