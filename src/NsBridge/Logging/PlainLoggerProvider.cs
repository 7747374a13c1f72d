using Microsoft.Extensions.Logging;

namespace NsBridge.Logging;

/// <summary>Log messages as plain lines on standard error, wherever that is not the journal.</summary>
internal sealed class PlainLoggerProvider : ILoggerProvider
{
    private readonly PlainLines _lines;

    public PlainLoggerProvider(PlainLines lines) => _lines = lines;

    public ILogger CreateLogger(string categoryName) => new PlainLogger(_lines);

    public void Dispose()
    {
    }
}
