using Microsoft.Extensions.Logging;

namespace NsBridge.Logging;

/// <summary>
/// <c>LEVEL message</c>, for a person at a terminal or a file. Only a critical fault, which ends the daemon and is nobody's
/// expectation, is followed by its stack trace.
/// </summary>
internal sealed class PlainLogger : ILogger
{
    private readonly PlainLines _lines;

    public PlainLogger(PlainLines lines) => _lines = lines;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;

        string text = LogText.Of(formatter(state, exception), exception);
        if (logLevel == LogLevel.Critical && exception is not null)
            text += "\n" + exception;
        _lines.Write(Word(logLevel) + " ", text);
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Critical => "critical",
        LogLevel.Error => "error",
        LogLevel.Warning => "warning",
        LogLevel.Information => "info",
        LogLevel.Debug => "debug",
        _ => "trace",
    };
}
