using System.Globalization;
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

/// <summary>Writes each message as a journal entry with fields: <c>PRIORITY</c>, those of <see cref="LogFields"/>, <c>EVENT_ID</c>,
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
        var entry = new JournalEntry();
        entry.Add("MESSAGE", message);
        entry.Add("PRIORITY", (int)priority);
        entry.Add("SYSLOG_IDENTIFIER", JournalSocket.Identifier);
        foreach ((string field, string? value) in LogFields.Of(state, scopes))
            entry.Add(field, value);
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

/// <summary>The values of a message that are journal fields: its parameters of these names, else those of the innermost scope.</summary>
internal sealed class LogFields
{
    private static readonly Dictionary<string, string> s_names = new()
    {
        ["Bridge"] = "BRIDGE",
        ["Client"] = "CLIENT",
        ["Outcome"] = "OUTCOME",
        ["Seconds"] = "SECONDS",
        ["BytesToTarget"] = "BYTES_TO_TARGET",
        ["BytesToClient"] = "BYTES_TO_CLIENT",
    };

    private readonly Dictionary<string, string?> _values = [];

    /// <returns>By the field's name.</returns>
    public static IReadOnlyDictionary<string, string?> Of<TState>(TState state, IExternalScopeProvider? scopes)
    {
        var found = new LogFields();
        // The outermost scope comes first and the message last; a later value replaces an earlier one.
        scopes?.ForEachScope(static (scope, fields) => fields.Take(scope), found);
        found.Take(state);
        return found._values;
    }

    private void Take(object? state)
    {
        if (state is not IEnumerable<KeyValuePair<string, object?>> values)
            return;
        foreach ((string name, object? value) in values)
        {
            if (s_names.TryGetValue(name, out string? field))
                _values[field] = Convert.ToString(value, CultureInfo.InvariantCulture);
        }
    }
}
