using System.Collections;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace NsBridge.Configuration.Values;

/// <summary>An immutable list that equals another with equal items in the same order, so that records with it compare by value.</summary>
[CollectionBuilder(typeof(ValueList), nameof(ValueList.Create))]
internal sealed class ValueList<T>(ImmutableArray<T> items) : IReadOnlyList<T>, IEquatable<ValueList<T>>
{
    public static readonly ValueList<T> Empty = new([]);
    public int Count => items.Length;
    public T this[int index] => items[index];
    public bool Equals(ValueList<T>? other) => other is not null && items.AsSpan().SequenceEqual(other.AsSpan());
    public override bool Equals(object? obj) => Equals(obj as ValueList<T>);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (T? item in items)
            hash.Add(item);
        return hash.ToHashCode();
    }

    public override string ToString() => string.Join(", ", items);
    public ImmutableArray<T>.Enumerator GetEnumerator() => items.GetEnumerator();
    IEnumerator<T> IEnumerable<T>.GetEnumerator() => ((IEnumerable<T>)items).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable)items).GetEnumerator();
    private ReadOnlySpan<T> AsSpan() => items.AsSpan();
}

/// <summary>Builds <see cref="ValueList{T}"/> for collection expressions.</summary>
internal static class ValueList
{
    public static ValueList<T> Create<T>(ReadOnlySpan<T> items) => new([.. items]);
}
