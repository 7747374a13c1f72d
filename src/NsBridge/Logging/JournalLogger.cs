using Microsoft.Extensions.Logging;

namespace NsBridge.Logging;

/// <summary>
/// Writes each message as a journal entry with fields: <c>PRIORITY</c>, <c>BRIDGE</c>, <c>CLIENT</c>, <c>EVENT_ID</c>,
/// <c>EVENT_NAME</c>, <c>CODE_FUNC</c> (the type and event that speak) and, of a fault nobody expected, <c>EXCEPTION</c>.
/// </summary>
internal sealed class JournalLogger : ILogger
{
    public const string Identifier = "nsbridge";

    private readonly string _category;
    private readonly JournalSocket _journal;
    private readonly PlainLines _fallback;
    private readonly IExternalScopeProvider _scopes;

    public JournalLogger(string category, JournalSocket journal, PlainLines fallback, IExternalScopeProvider scopes)
    {
        _category = category;
        _journal = journal;
        _fallback = fallback;
        _scopes = scopes;
    }

    public IDisposable BeginScope<TState>(TState state) where TState : notnull => _scopes.Push(state);

    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;

        string message = LogText.Of(formatter(state, exception), exception);
        SyslogPriority priority = SyslogPriorities.Of(logLevel);
        var subject = LogSubject.Of(state, _scopes);

        var entry = new JournalEntry();
        entry.Add("MESSAGE", message);
        entry.Add("PRIORITY", (int)priority);
        entry.Add("SYSLOG_IDENTIFIER", Identifier);
        entry.Add("BRIDGE", subject.Bridge);
        entry.Add("CLIENT", subject.Client);
        entry.Add("CODE_FUNC", eventId.Name is null ? _category : $"{_category}.{eventId.Name}");
        entry.Add("EVENT_NAME", eventId.Name);
        if (eventId.Id != 0)
            entry.Add("EVENT_ID", eventId.Id);
        entry.Add("EXCEPTION", exception?.ToString());

        // Standard error is a journal stream here, and it takes a line with its priority in front when the socket cannot be reached.
        if (!_journal.TrySend(entry) && priority <= SyslogPriority.Warning)
            _fallback.Write($"<{(int)priority}>", message);
    }
}
