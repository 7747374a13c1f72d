using System.Text.Json.Serialization;

namespace NsBridge.Testing;

/// <summary>One entry of <c>NsBridge:Bridges</c>; what is not set is not written.</summary>
public sealed record BridgeEntry(string Name)
{
    /// <summary>A port (a number or text), an endpoint, a range, or a list of these.</summary>
    public object? Listen { get; init; }

    public string? ListenNamespace { get; init; }

    public bool? Enabled { get; init; }

    public string? Protocol { get; init; }

    public string? Socket { get; init; }

    public string? SocketMode { get; init; }

    public string? SocketGroup { get; init; }

    public string? Namespace { get; init; }

    public string? Target { get; init; }

    public string? Join { get; init; }

    public TimeSpan? ConnectTimeout { get; init; }

    public TimeSpan? TargetWait { get; init; }

    public TimeSpan? IdleTimeout { get; init; }

    public TimeSpan? KeepAlive { get; init; }

    public int? MaxConnections { get; init; }

    public int? MaxConnectionsPerClient { get; init; }

    public IReadOnlyList<string>? AllowFrom { get; init; }

    public string? ProxyProtocol { get; init; }

    public string? SourceAddress { get; init; }

    public string? WhenNamespaceGoes { get; init; }

    public TimeSpan? Probe { get; init; }

    public bool? AccessLog { get; init; }

    /// <summary>The bridge's listeners on the host, as far as <see cref="Listen"/> gives single endpoints.</summary>
    [JsonIgnore]
    public IEnumerable<string> ListenTexts => Listen switch
    {
        string one => [one],
        IEnumerable<string> many => many,
        int port => [port.ToString(System.Globalization.CultureInfo.InvariantCulture)],
        _ => [],
    };
}
