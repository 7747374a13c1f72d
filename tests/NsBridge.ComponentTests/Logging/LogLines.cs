using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace NsBridge.ComponentTests.Logging;

/// <summary>Makes loggers that keep what is logged, whoever logs it.</summary>
internal sealed class LogLines : ILoggerFactory, ILogger
{
    /// <summary>A line that contains this text makes the logger throw.</summary>
    public string? Unloggable { get; set; }

    /// <summary>The lowest level that is kept.</summary>
    public LogLevel Lowest { get; set; } = LogLevel.Information;

    private readonly ConcurrentQueue<(LogLevel Level, string Text)> _lines = new();

    /// <summary>Every line, in order.</summary>
    public IReadOnlyList<string> Lines => [.. _lines.Select(line => line.Text)];

    /// <summary>Every line behind its level, as in <c>Warning: it rains</c>.</summary>
    public IReadOnlyList<string> WithLevels => [.. _lines.Select(line => $"{line.Level}: {line.Text}")];

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= Lowest;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        string line = formatter(state, exception);
        if (Unloggable is { } text && line.Contains(text, StringComparison.Ordinal))
            throw new InvalidOperationException($"cannot log: {line}");
        _lines.Enqueue((logLevel, line));
    }

    public void Dispose()
    {
    }
}
