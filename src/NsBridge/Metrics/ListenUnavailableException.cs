namespace NsBridge.Metrics;

/// <summary>What <c>Metrics:Listen</c> names cannot be listened on now, but may be later; its message says why.</summary>
internal sealed class ListenUnavailableException(string message) : Exception(message);
