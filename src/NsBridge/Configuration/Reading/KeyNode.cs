namespace NsBridge.Configuration.Reading;

/// <summary>One key that was written, in the file or in the environment, and what is below it.</summary>
/// <param name="path">As the operator knows it, such as <c>NsBridge:Bridges:1:Listen</c>.</param>
/// <param name="schema">What may stand here.</param>
internal sealed class KeyNode(string path, KeySchema schema)
{
    public string Path => path;

    public KeySchema Schema => schema;

    /// <summary>Null where there is none.</summary>
    public string? Value { get; private set; }

    /// <summary>The environment variable that the value comes from; null for the file.</summary>
    public string? Variable { get; private set; }

    /// <summary>A fault has been told that leaves open what was meant here: neither what stands here besides nor what is missing is worth another.</summary>
    public bool Broken { get; set; }

    /// <summary>A fault has been told that may be why nothing stands here: while that is so, the absence is not worth another.</summary>
    public bool Excused { get; set; }

    /// <summary>Whether nothing stands here that could be read.</summary>
    public bool IsEmpty => Value is null && Keys.Count == 0 && Items.Count == 0;

    public Dictionary<string, KeyNode> Keys { get; } = new(StringComparer.OrdinalIgnoreCase);

    public SortedDictionary<int, KeyNode> Items { get; } = [];

    public KeyNode Key(string name, KeySchema below)
    {
        if (!Keys.TryGetValue(name, out KeyNode? node))
            Keys.Add(name, node = new KeyNode(path.Length == 0 ? name : $"{path}:{name}", below));
        return node;
    }

    public KeyNode Item(int index)
    {
        if (!Items.TryGetValue(index, out KeyNode? node))
            Items.Add(index, node = new KeyNode($"{path}:{index}", ItemSchema));
        return node;
    }

    /// <summary>Gives the value; a later source wins, whether this was one value or a list before.</summary>
    public void Set(string value, string? variable)
    {
        Items.Clear();
        (Value, Variable, Broken) = (value, variable, false);
    }

    /// <summary>Makes a list of what was one value in an earlier source.</summary>
    public void ForgetValue() => (Value, Variable) = (null, null);

    private KeySchema ItemSchema => new(schema.Kind == KeyKind.SectionList ? KeyKind.Section : KeyKind.Value, schema.Keys);
}
