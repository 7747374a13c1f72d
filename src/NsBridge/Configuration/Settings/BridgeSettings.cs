using System.Net;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Settings;

/// <summary>One bridge, validated and parsed; compares by value.</summary>
internal sealed record BridgeSettings
{
    public required string Name { get; init; }

    public bool Enabled { get; init; } = true;

    public BridgeProtocol Protocol { get; init; }

    /// <summary>Empty: the inner half alone.</summary>
    public ValueList<ListenEndpoint> Listen { get; init; } = [];

    public NamespaceReference ListenNamespace { get; init; } = NamespaceReference.Host;

    /// <summary>How many descriptors <see cref="Listen"/> takes: an inner half of the same process has those of UDP once more.</summary>
    public int ListenDescriptors => Listen.Sum(entry => entry.Sockets().Count()) * (Protocol == BridgeProtocol.Udp && Namespace is not null ? 2 : 1);

    /// <summary>
    /// Whether sockets that systemd hands over replace those of <see cref="Listen"/>. Not where it says a namespace for them: systemd's are of the host.
    /// </summary>
    public bool TakesSockets => Enabled && Listen.Count > 0 && ListenNamespace.Kind == NamespaceKind.Host;

    /// <summary>The full path of the bridge's UNIX socket, at most 107 bytes.</summary>
    public required string Socket { get; init; }

    /// <summary>The mode of the socket's file, 0 to 0777 (octal).</summary>
    public int SocketMode { get; init; } = DefaultSocketMode;

    /// <summary>The group of the socket's file as written, a name or a number; null leaves the daemon's own.</summary>
    public string? SocketGroup { get; init; }

    /// <summary>The number of <see cref="SocketGroup"/>.</summary>
    public uint? SocketGroupId { get; init; }

    /// <summary>Null: the outer half alone. Set exactly when <see cref="Target"/> is.</summary>
    public NamespaceReference? Namespace { get; init; }

    /// <summary>Its ports, where it has any, are as many as those of each entry of <see cref="Listen"/>.</summary>
    public TargetEndpoint? Target { get; init; }

    public JoinMode Join { get; init; }

    /// <summary>More than zero.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Zero: clients are not parked.</summary>
    public TimeSpan TargetWait { get; init; }

    /// <summary>Zero: never.</summary>
    public TimeSpan IdleTimeout { get; init; }

    /// <summary>Zero: off. Else whole seconds, 1 to 32767.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>0: no limit.</summary>
    public int MaxConnections { get; init; }

    /// <summary>0: no limit.</summary>
    public int MaxConnectionsPerClient { get; init; }

    /// <summary>Empty: everyone. IPv4-mapped networks are IPv4 ones here; map a client's address likewise before asking.</summary>
    public ValueList<IPNetwork> AllowFrom { get; init; } = [];

    public ProxyProtocol ProxyProtocol { get; init; }

    public WhenNamespaceGoes WhenNamespaceGoes { get; init; }

    /// <summary>0600.</summary>
    public const int DefaultSocketMode = 0b110_000_000;
}
