using System.Globalization;
using Microsoft.Extensions.Configuration;
using NsBridge.Configuration.Options;

namespace NsBridge.Configuration.Reading;

/// <summary>
/// What file and environment gave together, ready to be bound, and for each bound key how the operator knows it.
/// Lists are numbered densely here, so that the position of a bound entry is its key, whatever numbers the environment uses.
/// </summary>
internal sealed class BoundConfiguration
{
    private readonly Dictionary<string, KeyNode> _nodes = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string?> _values;
    private readonly HashSet<string> _refused = new(StringComparer.OrdinalIgnoreCase);

    public BoundConfiguration(KeyNode root, Dictionary<string, string?> foreign)
    {
        _values = new(foreign, StringComparer.OrdinalIgnoreCase);
        Emit("", root);
        Root = new ConfigurationBuilder().Add(new IndexedProvider(_values)).Build();
    }

    public IConfigurationRoot Root { get; }

    public IConfigurationSection Section => Root.GetSection(NsBridgeOptions.SectionName);

    /// <summary>Whether the operator gave the key, rightly or wrongly.</summary>
    public bool IsWritten(string key) => _nodes.TryGetValue(key, out KeyNode? node) && (node.Broken || node.Excused || node.Value is not null || node.Items.Count > 0);

    /// <summary>Whether a fault that has been told leaves open what stands at the key, or why nothing does: in a section that could not be read nothing is missing.</summary>
    public bool IsBroken(string key)
    {
        if (_nodes.TryGetValue(key, out KeyNode? node))
            return node.Broken || (node.Excused && node.IsEmpty);
        int colon = key.LastIndexOf(':');
        return colon > 0 && IsBroken(key[..colon]);
    }

    /// <summary>Whether the settings hold what was written at the key, or its default because nothing was: not a default in place of what was refused.</summary>
    public bool IsKnown(string key) => !IsBroken(key) && !_refused.Contains(key);

    /// <summary>Whether a value stands at the key that can be judged by itself, whatever else was told about the key.</summary>
    public bool HasValue(string key) => _nodes.TryGetValue(key, out KeyNode? node) && node.Value is not null;

    /// <summary>What stands at a bound key; null where nothing does.</summary>
    public string? ValueAt(string key) => Root[key];

    /// <summary>A fault at a bound key, told with the operator's own path, value and source.</summary>
    public ConfigurationFault Fault(string key, string message)
    {
        if (!_nodes.TryGetValue(key, out KeyNode? node))
            return new ConfigurationFault(PathOf(key), null, message);
        string source = node.Variable is null ? "" : $" (environment variable {node.Variable})";
        return new ConfigurationFault(node.Path, node.Value ?? JoinItems(node), message + source);
    }

    /// <summary>A fault of the value itself: the settings get a default in its place, from which nothing follows.</summary>
    public ConfigurationFault Refuse(string key, string message)
    {
        _refused.Add(key);
        return Fault(key, message);
    }

    /// <summary>The operator's path of a bound key, given or not.</summary>
    public string PathOf(string key)
    {
        if (_nodes.TryGetValue(key, out KeyNode? node))
            return node.Path;
        int colon = key.LastIndexOf(':');
        return colon < 0 ? key : $"{PathOf(key[..colon])}{key[colon..]}";
    }

    private static string? JoinItems(KeyNode node) =>
        node.Schema.Kind == KeyKind.ValueOrList && node.Items.Count > 0 ? string.Join(", ", node.Items.Values.Select(item => item.Value)) : null;

    private void Emit(string key, KeyNode node)
    {
        _nodes[key] = node;
        if (node.Value is { } value)
            EmitValue(key, node, value);
        foreach ((string? name, KeyNode? below) in node.Keys)
            Emit(key.Length == 0 ? name : $"{key}:{name}", below);
        int position = 0;
        foreach (KeyNode item in node.Items.Values)
        {
            string itemKey = string.Create(CultureInfo.InvariantCulture, $"{key}:{position++}");
            Emit(itemKey, item);

            // An entry without one right key must be bound too, or those behind it would move up.
            if (node.Schema.Kind == KeyKind.SectionList)
                _values.TryAdd($"{itemKey}:{nameof(BridgeOptions.Name)}", null);
            else
                _values.TryAdd(itemKey, "");
        }
    }

    private void EmitValue(string key, KeyNode node, string value)
    {
        if (node.Schema.Kind == KeyKind.ValueOrList)
        {
            // One value is a list of one.
            _nodes[$"{key}:0"] = node;
            _values[$"{key}:0"] = value;
        }
        else
        {
            _values[key] = value;
        }
    }
}
