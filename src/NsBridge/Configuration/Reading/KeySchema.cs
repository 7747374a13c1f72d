using System.Collections.Frozen;
using NsBridge.Configuration.Options;

namespace NsBridge.Configuration.Reading;

/// <summary>Which keys there are; case does not matter, as everywhere in .NET's configuration.</summary>
/// <param name="Kind">What may stand here.</param>
/// <param name="Keys">The keys below: of the section, or of each section of the list.</param>
internal sealed record KeySchema(KeyKind Kind, FrozenDictionary<string, KeySchema> Keys)
{
    /// <summary>The framework's section of log levels.</summary>
    public const string Logging = "Logging";

    private static readonly KeySchema s_value = new(KeyKind.Value, FrozenDictionary<string, KeySchema>.Empty);
    private static readonly KeySchema s_name = s_value with { InsteadOfNull = "every bridge needs a name of its own" };
    private static readonly KeySchema s_ofInnerHalf = s_value with { InsteadOfNull = "give one; only an outer half alone leaves out both Namespace and Target" };
    private static readonly KeySchema s_valueOrList = new(KeyKind.ValueOrList, FrozenDictionary<string, KeySchema>.Empty);
    private static readonly KeySchema s_foreign = new(KeyKind.Foreign, FrozenDictionary<string, KeySchema>.Empty);

    private static readonly KeySchema s_bridge = Section(
        KeyKind.SectionList,
        (nameof(BridgeOptions.Name), s_name),
        (nameof(BridgeOptions.Enabled), s_value),
        (nameof(BridgeOptions.Protocol), s_value),
        (nameof(BridgeOptions.Listen), s_valueOrList),
        (nameof(BridgeOptions.ListenNamespace), s_value),
        (nameof(BridgeOptions.Socket), s_value),
        (nameof(BridgeOptions.SocketMode), s_value),
        (nameof(BridgeOptions.SocketGroup), s_value),
        (nameof(BridgeOptions.Namespace), s_ofInnerHalf),
        (nameof(BridgeOptions.Target), s_ofInnerHalf),
        (nameof(BridgeOptions.Join), s_value),
        (nameof(BridgeOptions.ConnectTimeout), s_value),
        (nameof(BridgeOptions.TargetWait), s_value),
        (nameof(BridgeOptions.IdleTimeout), s_value),
        (nameof(BridgeOptions.KeepAlive), s_value),
        (nameof(BridgeOptions.MaxConnections), s_value),
        (nameof(BridgeOptions.MaxConnectionsPerClient), s_value),
        (nameof(BridgeOptions.AllowFrom), s_valueOrList),
        (nameof(BridgeOptions.ProxyProtocol), s_value),
        (nameof(BridgeOptions.WhenNamespaceGoes), s_value));

    /// <summary>What to do about a null.</summary>
    public string InsteadOfNull { get; init; } = "leave the key out for its default";

    /// <summary>The whole file.</summary>
    public static readonly KeySchema Root = Section(
        KeyKind.Section,
        (NsBridgeOptions.SectionName, Section(
            KeyKind.Section,
            (nameof(NsBridgeOptions.RuntimeDirectory), s_value),
            (nameof(NsBridgeOptions.ShutdownTimeout), s_value),
            (nameof(NsBridgeOptions.EventLoops), s_value),
            (nameof(NsBridgeOptions.IoUring), s_value),
            (nameof(NsBridgeOptions.Metrics), Section(KeyKind.Section, (nameof(MetricsOptions.Listen), s_value))),
            (nameof(NsBridgeOptions.Bridges), s_bridge))),
        (Logging, s_foreign),
        ("AllowedHosts", s_foreign),
        ("$schema", s_foreign));

    /// <summary>Finds a key below this one, and its name as it is spelt here.</summary>
    public bool TryFind(string key, out string name, out KeySchema schema)
    {
        foreach ((string? candidate, KeySchema? below) in Keys)
        {
            if (candidate.Equals(key, StringComparison.OrdinalIgnoreCase))
            {
                (name, schema) = (candidate, below);
                return true;
            }
        }

        (name, schema) = (key, s_foreign);
        return false;
    }

    /// <summary>The key that a misspelt one was probably meant to be; null where none is near.</summary>
    public string? Nearest(string key)
    {
        string? nearest = null;
        int least = Math.Max(2, key.Length / 3) + 1;
        foreach (string? candidate in Keys.Keys.Order(StringComparer.Ordinal))
        {
            int distance = EditDistance.Between(key.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (distance < least && distance < candidate.Length)
                (nearest, least) = (candidate, distance);
        }

        return nearest;
    }

    private static KeySchema Section(KeyKind kind, params (string Name, KeySchema Schema)[] keys) =>
        new(kind, keys.ToFrozenDictionary(key => key.Name, key => key.Schema, StringComparer.OrdinalIgnoreCase));
}
