namespace NsBridge.Commands.Import;

/// <summary>In which network namespace systemd starts what a unit file names.</summary>
internal static class UnitPlace
{
    /// <param name="lines">The unit's lines, each whole and without blanks around it.</param>
    public static CommandPlace Of(IReadOnlyList<string> lines)
    {
        if (Last(lines, "NetworkNamespacePath") is { } path)
            return CommandPlace.Named(path);
        // Without a network of its own a service shares that of the host, whatever it joins.
        if (Last(lines, "PrivateNetwork")?.ToUpperInvariant() is not ("YES" or "Y" or "TRUE" or "T" or "ON" or "1"))
            return CommandPlace.Unsaid;
        return Last(lines, "JoinsNamespaceOf") is { } unit ? CommandPlace.Named($"unit:{unit}") : new CommandPlace(null, "PrivateNetwork=yes");
    }

    /// <summary>What a line gives the key; null where it speaks of another.</summary>
    public static string? ValueOf(string line, string key) =>
        line.StartsWith(key, StringComparison.Ordinal) && line[key.Length..].TrimStart() is ['=', .. var value] ? value.Trim() : null;

    /// <summary>The value that holds, without quotes; null for none. An empty one takes back those before it.</summary>
    private static string? Last(IReadOnlyList<string> lines, string key)
    {
        string? value = lines.Select(line => ValueOf(line, key)).LastOrDefault(value => value is not null);
        if (value is [var quote and ('"' or '\''), .. var inner, var end] && end == quote)
            value = inner;
        return value is { Length: > 0 } ? value : null;
    }
}
