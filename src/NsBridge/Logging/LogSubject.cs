using Microsoft.Extensions.Logging;

namespace NsBridge.Logging;

/// <summary>
/// Whom a message is about: the values named <c>Bridge</c> and <c>Client</c> among its own parameters, else those of the scopes
/// around it (the innermost wins).
/// </summary>
internal readonly record struct LogSubject(string? Bridge, string? Client)
{
    public static LogSubject Of<TState>(TState state, IExternalScopeProvider? scopes)
    {
        var found = new Search();
        // Outermost scope first, the message last: the last writer wins.
        scopes?.ForEachScope(static (scope, search) => search.Look(scope), found);
        found.Look(state);
        return new LogSubject(found.Bridge, found.Client);
    }

    private sealed class Search
    {
        public string? Bridge { get; private set; }

        public string? Client { get; private set; }

        public void Look(object? state)
        {
            if (state is not IEnumerable<KeyValuePair<string, object?>> values)
                return;

            foreach ((string? name, object? value) in values)
            {
                if (name == "Bridge")
                    Bridge = value?.ToString();
                else if (name == "Client")
                    Client = value?.ToString();
            }
        }
    }
}
