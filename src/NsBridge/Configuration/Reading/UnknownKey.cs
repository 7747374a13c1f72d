namespace NsBridge.Configuration.Reading;

internal static class UnknownKey
{
    /// <summary>The fault of a key that means nothing, with the one that was probably meant, or else those there are.</summary>
    /// <param name="node">Where the key was written.</param>
    /// <param name="key">The key itself, without a path.</param>
    /// <param name="value">What stands there; null where that is more than one value.</param>
    /// <param name="variable">The environment variable that names it; null for the file.</param>
    public static ConfigurationFault Tell(KeyNode node, string key, string? value, string? variable)
    {
        string path = node.Path.Length == 0 ? key : $"{node.Path}:{key}";
        string message = "there is no such key";
        if (node.Schema.Nearest(key) is { } meant)
        {
            message += $"; did you mean {meant}?";

            // What was meant is not missing: one fault is enough. It may still come.
            node.Schema.TryFind(meant, out string? name, out KeySchema? schema);
            node.Key(name, schema).Excused = true;
        }
        else
        {
            message += $"; here may stand {string.Join(", ", node.Schema.Keys.Keys.Order(StringComparer.Ordinal))}";
        }

        return new ConfigurationFault(path, value, variable is null ? message : $"{message} (environment variable {variable})");
    }
}
