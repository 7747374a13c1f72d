using System.Globalization;
using NsBridge.Configuration.Options;

namespace NsBridge.Configuration.Reading;

/// <summary>Reads the variables <c>NsBridge__…</c> over the file's keys; <c>__</c> stands for <c>:</c>, as everywhere in .NET.</summary>
internal sealed class EnvironmentSource(KeyNode root, Dictionary<string, string?> foreign, List<ConfigurationFault> faults)
{
    private readonly HashSet<KeyNode> _given = [];
    private readonly HashSet<KeyNode> _listed = [];

    public void Read(IReadOnlyDictionary<string, string> environment)
    {
        foreach ((string variable, string value) in environment.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            string[] keys = variable.Replace("__", ":", StringComparison.Ordinal).Split(':');
            if (keys.Length < 2 || root.Key.Find(keys[0]) is not { } key)
                continue;
            if (key.Kind == KeyKind.Foreign)
                foreign[string.Join(':', keys)] = value;
            else
                Read(root.Child(key), keys.AsSpan(1), variable, value);
        }
    }

    private void Read(KeyNode node, ReadOnlySpan<string> keys, string variable, string value)
    {
        switch (node.Key.Kind)
        {
            case KeyKind.Section when keys.Length > 0:
                if (node.Key.Find(keys[0]) is { } key)
                    Read(node.Child(key), keys[1..], variable, value);
                else
                    faults.Add(node.UnknownKey(keys[0], value, variable));
                break;
            case KeyKind.SectionList or KeyKind.ValueOrList when keys.Length > 0:
                ReadItem(node, keys, variable, value);
                break;
            case KeyKind.Value or KeyKind.ValueOrList when keys.Length == 0:
                if (_given.Add(node) && !_listed.Contains(node))
                    node.Set(value, variable);
                else
                    FaultOfTwo(node, value, "the key is given twice; keep one", variable);
                break;
            case KeyKind.Value:
                Fault(node, value, $"one value is expected here; nothing stands below {node.Path}", variable);
                break;
            default:
                Fault(node, value, "this holds further keys and has no value of its own", variable);
                break;
        }
    }

    private void ReadItem(KeyNode node, ReadOnlySpan<string> keys, string variable, string value)
    {
        if (!int.TryParse(keys[0], NumberStyles.None, CultureInfo.InvariantCulture, out int index))
        {
            Fault(node, value, $"the entries of a list are numbered from 0; '{keys[0]}' is no number", variable);
            return;
        }
        if (node.Key.Kind == KeyKind.ValueOrList)
        {
            _listed.Add(node);
            if (_given.Contains(node))
            {
                FaultOfTwo(node, value, "the key is given both as one value and as a list; keep one", variable);
                return;
            }
            node.ForgetValue();
        }
        Read(node.Item(index), keys[1..], variable, value);
    }

    private void FaultOfTwo(KeyNode node, string value, string message, string variable)
    {
        node.Broken = true;
        Fault(node, value, message, variable);
    }

    private void Fault(KeyNode node, string value, string message, string variable)
    {
        node.Excused = true;
        faults.Add(new ConfigurationFault(node.Path, value, $"{message} (environment variable {variable})"));
    }
}
