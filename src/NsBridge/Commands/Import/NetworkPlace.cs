namespace NsBridge.Commands.Import;

/// <summary>The network namespace of a command.</summary>
/// <param name="Namespace">As in the configuration; null if nothing names one.</param>
/// <param name="Unread">What decides about the network and is not understood here; null if there is nothing of the kind.</param>
internal sealed record NetworkPlace(string? Namespace, string? Unread)
{
    public static readonly NetworkPlace Unnamed = new(null, null);

    /// <param name="words">What stands in front of the program.</param>
    /// <param name="around">Where these words run.</param>
    public static NetworkPlace Behind(List<string> words, NetworkPlace around)
    {
        NetworkPlace place = around;
        while (words.Count > 0 && place.Unread is null)
        {
            words[0] = Path.GetFileName(words[0]);
            (place, int length) = words switch
            {
                ["ip", "netns", "exec", var name, ..] => (Named(name), 4),
                ["nsenter", "-t" or "--target", var process, "-n" or "--net", ..] => (Named($"pid:{process}"), 4),
                ["nsenter", "-n" or "--net", "-t" or "--target", var process, ..] => (Named($"pid:{process}"), 4),
                ["nsenter", ['-', '-', 'n', 'e', 't', '=', .. var file], ..] => (Named(file), 2),
                ["sudo" or "exec" or "nohup" or "setsid"] or ["sudo" or "exec" or "nohup" or "setsid", not ['-', ..], ..] => (place, 1),
                _ => (new NetworkPlace(null, string.Join(' ', words)), 0),
            };
            words = words[length..];
        }
        return place;
    }

    /// <summary>Where systemd starts a unit's commands and binds its sockets (systemd.exec(5)).</summary>
    public static NetworkPlace OfUnit(ImportSource unit) =>
        unit.Value("NetworkNamespacePath") is { } path ? Named(path)
        // JoinsNamespaceOf= has no effect on the network without this key.
        : unit.Value("PrivateNetwork")?.ToUpperInvariant() is null or "NO" or "FALSE" or "OFF" or "0" ? Unnamed
        : unit.Value("JoinsNamespaceOf") is { } joined ? Named($"unit:{joined}")
        : new NetworkPlace(null, "PrivateNetwork=yes");

    /// <param name="text">A name in <c>/run/netns</c>, a file, or a reference of the configuration.</param>
    public static NetworkPlace Named(string text) =>
        // The shell replaces '$' and '`', systemd '%'.
        text.AsSpan().ContainsAny("$`% ") || text is ['-', ..] ? new NetworkPlace(null, text)
        : new NetworkPlace(Path.GetDirectoryName(text) is "/run/netns" or "/var/run/netns" ? Path.GetFileName(text) : text, null);
}
