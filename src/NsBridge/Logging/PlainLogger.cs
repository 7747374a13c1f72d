using System.Text;
using Microsoft.Extensions.Logging;
using NsBridge.Base;

namespace NsBridge.Logging;

/// <summary>Log messages as plain lines on standard error, if that is not the journal.</summary>
internal sealed class PlainLoggerProvider(PlainLines lines) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new PlainLogger(lines);

    public void Dispose()
    {
    }
}

/// <summary><c>LEVEL message</c>, for a terminal or a file. Only a critical fault, which ends the daemon, has a stack trace.</summary>
internal sealed class PlainLogger(PlainLines lines) : ILogger
{
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
        lines.Write(Word(logLevel) + " ", text);
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

/// <summary>Whole lines on standard error: lines of several threads never mix. Event loops write here too, so a stopped terminal or a full
/// pipe must not stop them: a write waits <see cref="s_patience"/> at most, and after that lines are counted instead of waited
/// for.</summary>
/// <param name="stream">Takes the lines.</param>
/// <param name="isReady">Whether a write returns at once.</param>
internal sealed class PlainLines(Stream stream, Func<bool> isReady)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(5);

    /// <summary>What a pipe that is ready takes without waiting (PIPE_BUF).</summary>
    private const int Piece = 4096;

    private readonly Lock _lock = new();
    private int _lost;

    /// <summary>Standard error as bytes: <c>Console.Error</c> would add a writer with a buffer and a lock of its own.</summary>
    public static PlainLines OfStandardError() => new(StandardStreams.OpenError(), StandardStreams.IsErrorReady);

    /// <param name="prefix">Goes in front as it is.</param>
    /// <param name="message">Its further lines are indented: a line that starts at column one is always a new message.</param>
    public void Write(string prefix, string message)
    {
        lock (_lock)
        {
            if (_lost > 0 && !TryWrite(prefix, $"{_lost} messages were lost while nothing read standard error"))
            {
                _lost++;
                return;
            }
            _lost = TryWrite(prefix, message) ? 0 : 1;
        }
    }

    private bool TryWrite(string prefix, string message)
    {
        string lines = PlainText.Lines(message.TrimEnd().ReplaceLineEndings("\n    "));
        ReadOnlySpan<byte> rest = Encoding.UTF8.GetBytes($"{prefix}{lines}\n");
        try
        {
            for (; rest.Length > 0; rest = rest[Math.Min(Piece, rest.Length)..])
            {
                if (!WaitReady())
                    return false;
                stream.Write(rest[..Math.Min(Piece, rest.Length)]);
            }
        }
        catch (IOException)
        {
            // Standard error cannot be written any more (a full disk, a closed terminal): the daemon serves without it.
        }
        return true;
    }

    private bool WaitReady()
    {
        for (TimeSpan waited = TimeSpan.Zero; !isReady(); waited += s_pause)
        {
            if (_lost > 0 || waited >= s_patience)
                return false;
            Thread.Sleep(s_pause);
        }
        return true;
    }
}
