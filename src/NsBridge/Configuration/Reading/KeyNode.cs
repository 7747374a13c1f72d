using NsBridge.Configuration.Options;

namespace NsBridge.Configuration.Reading;

/// <summary>One key of the file or the environment, what is written there, and what is below it.</summary>
/// <param name="path">As the operator knows it, such as <c>NsBridge:Bridges:1:Listen</c>.</param>
/// <param name="key">What may stand here.</param>
/// <param name="parent">The node above; null for the whole file.</param>
/// <param name="file">The file, of a node without one above.</param>
internal sealed class KeyNode(string path, Key key, KeyNode? parent, string file = "")
{
    private readonly Dictionary<string, KeyNode> _keys = new(StringComparer.OrdinalIgnoreCase);
    private bool _isAbsent;
    private bool _isRefused;
    public string Path => path;
    public Key Key => key;
    public string File { get; } = parent?.File ?? file;
    /// <summary>Null if there is none.</summary>
    public string? Value { get; private set; }
    /// <summary>The environment variable that the value comes from; null for the file.</summary>
    public string? Variable { get; private set; }
    /// <summary>The parsed value; null if there is none or it was refused.</summary>
    public object? Parsed { get; set; }
    /// <summary>A reported fault leaves open what was meant here: nothing that is missing below is another fault.</summary>
    public bool Broken { get; set; }
    /// <summary>A reported fault may be why nothing is written here: as long as this is empty, the absence is not another fault.</summary>
    public bool Excused { get; set; }
    public SortedDictionary<int, KeyNode> Items { get; } = [];
    /// <summary>The values of a key that takes one value or a list: one is a list of one.</summary>
    public IEnumerable<KeyNode> Entries => Value is null ? Items.Values : [this];
    /// <summary>Whether the operator gave the key, rightly or wrongly.</summary>
    public bool IsWritten => Broken || Excused || Value is not null || Items.Count > 0;
    /// <summary>Whether a reported fault leaves open what stands here, or why nothing does.</summary>
    public bool IsBroken => _isAbsent ? parent is { IsBroken: true } : Broken || (Excused && IsEmpty);
    /// <summary>Whether the settings hold what is written here, or the default because nothing is.</summary>
    public bool IsKnown => !IsBroken && !_isRefused;
    private bool IsEmpty => Value is null && Items.Count == 0 && _keys.Values.All(node => node._isAbsent);
    /// <summary>The path, with the file if that is not the one of the node that the message is about.</summary>
    public string PathFrom(KeyNode other) => File == other.File ? path : $"{path} in {File}";
    public bool Has(string name) => _keys.ContainsKey(name);

    /// <summary>The node of a key below, for a source that gives it.</summary>
    public KeyNode Child(Key below)
    {
        if (!_keys.TryGetValue(below.Name, out KeyNode? node))
            _keys.Add(below.Name, node = new KeyNode(path.Length == 0 ? below.Name : $"{path}:{below.Name}", below, this));
        return node;
    }

    /// <summary>The node of a key below, whether or not a source gave it.</summary>
    public KeyNode At(Key below)
    {
        bool isAbsent = !_keys.ContainsKey(below.Name);
        KeyNode node = Child(below);
        node._isAbsent |= isAbsent;
        return node;
    }

    public KeyNode Item(int index)
    {
        if (!Items.TryGetValue(index, out KeyNode? node))
            Items.Add(index, node = new KeyNode($"{path}:{index}", key.Entry!, this));
        return node;
    }

    /// <summary>Gives the value; a later source wins over one value and over a list.</summary>
    public void Set(string value, string? variable)
    {
        Items.Clear();
        (Value, Variable, Broken) = (value, variable, false);
    }

    /// <summary>Makes a list of what was one value in an earlier source.</summary>
    public void ForgetValue() => (Value, Variable) = (null, null);

    /// <summary>A fault with the operator's path, value and source.</summary>
    public ConfigurationFault Fault(string message)
    {
        string source = Variable is null ? "" : $" (environment variable {Variable})";
        bool isList = Items.Count > 0 && key.Kind == KeyKind.ValueOrList;
        string? value = isList ? string.Join(", ", Items.Values.Select(item => item.Value)) : Value;
        return new ConfigurationFault(path, value, message + source) { File = File };
    }

    /// <summary>A fault of the value itself: the settings get a default in its place, from which no other fault follows.</summary>
    public ConfigurationFault Refuse(string message)
    {
        _isRefused = true;
        return Fault(message);
    }

    /// <summary>The fault of a key that does not exist below this one, with the one probably meant, else with all there are.</summary>
    public ConfigurationFault UnknownKey(string name, string? value, string? variable)
    {
        string message = "there is no such key";
        if (key.Nearest(name) is { } meant)
        {
            message += $"; did you mean {meant}?";
            // What was meant is not missing too. It may still come.
            Child(key.Find(meant)!).Excused = true;
        }
        else
        {
            message += $"; here may stand {string.Join(", ", key.Below.Select(below => below.Name).Order(StringComparer.Ordinal))}";
        }
        return new ConfigurationFault(
            path.Length == 0 ? name : $"{path}:{name}", value, variable is null ? message : $"{message} (environment variable {variable})");
    }
}
