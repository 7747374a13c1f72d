using Microsoft.Extensions.Logging;

namespace NsBridge.Logging;

/// <summary>Log messages as native journal entries.</summary>
internal sealed class JournalLoggerProvider(JournalSocket journal, PlainLines fallback) : ILoggerProvider, ISupportExternalScope
{
    private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

    public ILogger CreateLogger(string categoryName) => new JournalLogger(categoryName, journal, fallback, _scopes);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose() => journal.Dispose();
}

/// <summary>Writes each message as a journal entry with fields: <c>PRIORITY</c>, <c>BRIDGE</c>, <c>CLIENT</c>, <c>EVENT_ID</c>,
/// <c>EVENT_NAME</c>, <c>CODE_FUNC</c> (the type and its event) and, if there is an exception, <c>EXCEPTION</c>.</summary>
internal sealed class JournalLogger(string category, JournalSocket journal, PlainLines fallback, IExternalScopeProvider scopes) : ILogger
{
    public IDisposable BeginScope<TState>(TState state) where TState : notnull => scopes.Push(state);

    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        string message = LogText.Of(formatter(state, exception), exception);
        SyslogPriority priority = PriorityOf(logLevel);
        var subject = LogSubject.Of(state, scopes);
        var entry = new JournalEntry();
        entry.Add("MESSAGE", message);
        entry.Add("PRIORITY", (int)priority);
        entry.Add("SYSLOG_IDENTIFIER", JournalSocket.Identifier);
        entry.Add("BRIDGE", subject.Bridge);
        entry.Add("CLIENT", subject.Client);
        entry.Add("CODE_FUNC", eventId.Name is null ? category : $"{category}.{eventId.Name}");
        entry.Add("EVENT_NAME", eventId.Name);
        if (eventId.Id != 0)
            entry.Add("EVENT_ID", eventId.Id);
        entry.Add("EXCEPTION", exception?.ToString());
        // Standard error is a stream of the journal here, which takes the priority from the front of the line.
        if (!journal.TrySend(entry) && priority <= SyslogPriority.Warning)
            fallback.Write($"<{(int)priority}>", message);
    }

    private static SyslogPriority PriorityOf(LogLevel level) => level switch
    {
        LogLevel.Critical => SyslogPriority.Critical,
        LogLevel.Error => SyslogPriority.Error,
        LogLevel.Warning => SyslogPriority.Warning,
        LogLevel.Information => SyslogPriority.Informational,
        _ => SyslogPriority.Debug,
    };
}

/// <summary>The severities of syslog(3), with the numbers that <c>PRIORITY=</c> takes.</summary>
internal enum SyslogPriority
{
    Critical = 2,
    Error = 3,
    Warning = 4,
    Informational = 6,
    Debug = 7,
}

/// <summary>What a message is about: the values named <c>Bridge</c> and <c>Client</c> among its parameters, else those of the innermost
/// scope.</summary>
internal readonly record struct LogSubject(string? Bridge, string? Client)
{
    public static LogSubject Of<TState>(TState state, IExternalScopeProvider? scopes)
    {
        var found = new Search();
        // The outermost scope comes first and the message last; a later value replaces an earlier one.
        scopes?.ForEachScope(static (scope, search) => search.Take(scope), found);
        found.Take(state);
        return new LogSubject(found.Bridge, found.Client);
    }

    private sealed class Search
    {
        public string? Bridge { get; private set; }

        public string? Client { get; private set; }

        public void Take(object? state)
        {
            if (state is not IEnumerable<KeyValuePair<string, object?>> values)
                return;
            foreach ((string name, object? value) in values)
            {
                if (name == "Bridge")
                    Bridge = value?.ToString();
                else if (name == "Client")
                    Client = value?.ToString();
            }
        }
    }
}
