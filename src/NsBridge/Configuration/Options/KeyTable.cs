namespace NsBridge.Configuration.Options;

/// <summary>The table of keys, one row each. Everything that depends on which keys there are comes from it: reading, defaults, hints for
/// unknown keys, limits, what a reload may change, the JSON schema and the tables of the documents.</summary>
internal sealed class KeyTable(IReadOnlyList<Key> daemon, IReadOnlyList<Key> bridge)
{
    public const string Section = "NsBridge";
    public const string Bridges = "Bridges";
    /// <summary>The framework's section of log levels.</summary>
    public const string Logging = "Logging";
    /// <summary>Names the JSON schema, for editors.</summary>
    public const string Schema = "$schema";
    public static KeyTable Default { get; } = new(DaemonKeys.All, BridgeKeys.All);

    /// <summary>The whole file.</summary>
    public Key Root { get; } = new(
        "",
        KeyKind.Section,
        new Key(
            Section,
            KeyKind.Section,
            [.. daemon, new Key(Bridges, KeyKind.SectionList, bridge) { Help = "The bridges; an empty list is right." }])
        { Help = "The daemon and its bridges." },
        new Key(Logging, KeyKind.Foreign) { Help = "The log levels, as everywhere in .NET." },
        new Key("AllowedHosts", KeyKind.Foreign) { Help = "A key of other .NET programs; it is ignored." },
        new Key(Schema, KeyKind.Foreign) { Help = "The JSON schema for editors; it is ignored." });

    /// <summary>The rows beside <c>Bridges</c>, those of sections below among them.</summary>
    public IEnumerable<ValueKey> DaemonRows => Rows(daemon);
    /// <summary>The rows of a bridge.</summary>
    public IEnumerable<ValueKey> BridgeRows => Rows(bridge);

    private static IEnumerable<ValueKey> Rows(IReadOnlyList<Key> keys) =>
        keys.SelectMany(key => key is ValueKey row ? [row] : Rows(key.Below));
}
