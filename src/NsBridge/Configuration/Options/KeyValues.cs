using System.Collections.Immutable;

namespace NsBridge.Configuration.Options;

/// <summary>Parsed values by the rows of the table; compares by value. Only what differs from a row's default is held: a bridge has few
/// such values, so that looking one up by its row is a short walk.</summary>
internal sealed class KeyValues : IEquatable<KeyValues>
{
    public static readonly KeyValues Defaults = new([]);
    private readonly ImmutableArray<(ValueKey Key, object? Value)> _values;
    private KeyValues(ImmutableArray<(ValueKey Key, object? Value)> values) => _values = values;
    public static KeyValues Of(IEnumerable<(ValueKey Key, object? Value)> values) =>
        new([.. values.Where(entry => !Equals(entry.Value, entry.Key.Default))]);

    /// <summary>What would be right at the first value that is outside the limits of its row; null if all are within.</summary>
    public string? Fault => _values.Select(entry => entry.Key.FaultOf(entry.Value) is { } fault ? $"{entry.Key.Path}: {fault}" : null)
        .FirstOrDefault(fault => fault is not null);

    public T Get<T>(ValueKey<T> key) => (T)Find(key)!;
    public KeyValues With(ValueKey key, object? value) => Of(_values.Where(entry => entry.Key != key).Append((key, value)));

    /// <summary>The rows in which this differs from the other.</summary>
    public IEnumerable<ValueKey> Differences(KeyValues other) => _values.Concat(other._values).Select(entry => entry.Key).Distinct()
        .Where(key => !Equals(Find(key), other.Find(key)));

    public bool Equals(KeyValues? other) => other is not null && _values.Length == other._values.Length && !Differences(other).Any();
    public override bool Equals(object? obj) => Equals(obj as KeyValues);

    // The order in which values were set does not count.
    public override int GetHashCode() => _values.Aggregate(0, (hash, entry) => hash ^ HashCode.Combine(entry.Key.Path, entry.Value));

    private object? Find(ValueKey key)
    {
        foreach ((ValueKey candidate, object? value) in _values)
        {
            if (candidate == key)
                return value;
        }
        return key.Default;
    }
}
