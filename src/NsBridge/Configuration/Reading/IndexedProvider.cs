using Microsoft.Extensions.Configuration;

namespace NsBridge.Configuration.Reading;

/// <summary>
/// Values in memory with the keys below each key at hand. The framework's own provider looks through all its values for each
/// section it is asked for: binding 5,000 bridges took six seconds.
/// </summary>
internal sealed class IndexedProvider : ConfigurationProvider, IConfigurationSource
{
    private readonly Dictionary<string, List<string>> _below = new(StringComparer.OrdinalIgnoreCase);

    public IndexedProvider(IReadOnlyDictionary<string, string?> values)
    {
        var known = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach ((string? key, string? value) in values)
        {
            Data[key] = value;
            for (string path = key; path.Length > 0 && known.Add(path);)
            {
                int colon = path.LastIndexOf(':');
                string parent = colon < 0 ? "" : path[..colon];
                if (!_below.TryGetValue(parent, out List<string>? children))
                    _below.Add(parent, children = []);
                children.Add(path[(colon + 1)..]);
                path = parent;
            }
        }

        foreach (List<string> children in _below.Values)
            children.Sort(ConfigurationKeyComparer.Instance);
    }

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    public override IEnumerable<string> GetChildKeys(IEnumerable<string> earlierKeys, string? parentPath) =>
        earlierKeys.Concat(_below.GetValueOrDefault(parentPath ?? "", []));
}
