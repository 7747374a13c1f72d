using Microsoft.Extensions.Logging;

namespace NsBridge.Logging;

/// <summary>Log messages as native journal entries.</summary>
internal sealed class JournalLoggerProvider : ILoggerProvider, ISupportExternalScope
{
    private readonly JournalSocket _journal;
    private readonly PlainLines _fallback;
    private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

    public JournalLoggerProvider(JournalSocket journal, PlainLines fallback)
    {
        _journal = journal;
        _fallback = fallback;
    }

    public ILogger CreateLogger(string categoryName) => new JournalLogger(categoryName, _journal, _fallback, _scopes);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose() => _journal.Dispose();
}
