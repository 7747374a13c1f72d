using NsBridge.Configuration.Options;

namespace NsBridge.Configuration.Reading;

/// <summary>Parses each value of a section, once. A missing or refused one is left at its default, so that the others can still be checked.</summary>
internal static class ValueReader
{
    public static KeyValues Read(KeyNode section, List<ConfigurationFault> faults) => KeyValues.Of(ReadRows(section, faults));

    private static IEnumerable<(ValueKey Key, object? Value)> ReadRows(KeyNode section, List<ConfigurationFault> faults)
    {
        foreach (Key key in section.Key.Below)
        {
            if (key is ValueKey row)
                yield return (row, Read(section.At(row), row, faults));
            else if (key.Kind == KeyKind.Section)
            {
                foreach ((ValueKey, object?) below in ReadRows(section.At(key), faults))
                    yield return below;
            }
        }
    }

    private static object? Read(KeyNode node, ValueKey row, List<ConfigurationFault> faults)
    {
        List<object?> entries = [];
        foreach (KeyNode entry in node.Entries)
        {
            if (entry.Value is null)
                continue;
            if (row.TryParse(entry.Value, out object? value, out string fault))
                entries.Add(entry.Parsed = value);
            else
                faults.Add(row.Kind == KeyKind.Value ? entry.Refuse(fault) : entry.Fault(fault));
        }
        if (node.Value is null && row.Missing is not null && !node.IsBroken)
            faults.Add(node.Refuse(row.Missing));
        return entries.Count > 0 ? row.Combine(entries) : row.Default;
    }
}
