using System.Collections.Frozen;

namespace NsBridge.Configuration.Options;

/// <summary>What may stand at a key.</summary>
internal enum KeyKind
{
    Value,
    ValueOrList,
    Section,
    SectionList,
    /// <summary>Anything: the key belongs to the framework.</summary>
    Foreign,
}

/// <summary>One key of the configuration and the keys below it. Case does not matter, as everywhere in .NET's configuration.</summary>
internal class Key
{
    private readonly FrozenDictionary<string, Key> _byName;

    public Key(string name, KeyKind kind, params IReadOnlyList<Key> below)
    {
        Name = name;
        Kind = kind;
        Below = below;
        _byName = below.ToFrozenDictionary(key => key.Name, StringComparer.OrdinalIgnoreCase);
        Entry = kind switch
        {
            KeyKind.SectionList => new Key(name, KeyKind.Section, below),
            KeyKind.ValueOrList => new Key(name, KeyKind.Value),
            _ => null,
        };
    }

    public string Name { get; }
    public KeyKind Kind { get; }
    /// <summary>The keys of the section, or of each section of the list.</summary>
    public IReadOnlyList<Key> Below { get; }
    /// <summary>What may stand at each entry of a list; null if this is none.</summary>
    public Key? Entry { get; }
    /// <summary>One sentence for the documents and the JSON schema; backticks enclose what is written literally.</summary>
    public string Help { get; init; } = "";
    /// <summary>What to do instead of writing null.</summary>
    public string InsteadOfNull { get; init; } = "leave the key out for its default";
    public Key? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The key below that a misspelt one probably means; null if none is near.</summary>
    public string? Nearest(string name)
    {
        string? nearest = null;
        int least = Math.Max(2, name.Length / 3) + 1;
        foreach (string candidate in Below.Select(key => key.Name).Order(StringComparer.Ordinal))
        {
            int distance = EditDistance.Between(name.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (distance < least && distance < candidate.Length)
                (nearest, least) = (candidate, distance);
        }
        return nearest;
    }
}

/// <summary>Counts the letters to insert, delete, replace or swap with their neighbour that make one word another.</summary>
internal static class EditDistance
{
    public static int Between(string from, string to)
    {
        int[] beforeLast = new int[to.Length + 1];
        int[] last = new int[to.Length + 1];
        int[] row = new int[to.Length + 1];
        for (int j = 0; j <= to.Length; j++)
            last[j] = j;
        for (int i = 1; i <= from.Length; i++)
        {
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
            {
                int change = last[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
                row[j] = Math.Min(change, Math.Min(last[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                    row[j] = Math.Min(row[j], beforeLast[j - 2] + 1);
            }
            (beforeLast, last, row) = (last, row, beforeLast);
        }
        return last[to.Length];
    }
}
