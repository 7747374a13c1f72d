using System.Net;
using NsBridge.Configuration.Options;
using NsBridge.Configuration.Values;

namespace NsBridge.Configuration.Settings;

/// <summary>One bridge, validated and parsed; compares by value.</summary>
/// <param name="Values">The parsed values by their rows; the properties name those that the code uses.</param>
internal sealed record BridgeSettings(KeyValues Values)
{
    public string Name => Values.Get(BridgeKeys.Name);
    public bool Enabled => Values.Get(BridgeKeys.Enabled);
    public BridgeProtocol Protocol => Values.Get(BridgeKeys.Protocol);
    /// <summary>Empty: the inner half alone.</summary>
    public ValueList<ListenEndpoint> Listen => Values.Get(BridgeKeys.Listen);
    /// <summary>Whether the addresses of <see cref="Listen"/> may change.</summary>
    public bool ListensOnInterface => Listen.Any(entry => entry.Interface is not null);
    public NamespaceReference ListenNamespace => Values.Get(BridgeKeys.ListenNamespace);
    /// <summary>The full path of the bridge's UNIX socket, at most 107 bytes; empty for a socket of this process alone.</summary>
    public string Socket => Values.Get(BridgeKeys.Socket);
    /// <summary>The mode of the socket's file, 0 to 0777 (octal).</summary>
    public int SocketMode => Values.Get(BridgeKeys.SocketMode);
    /// <summary>The group of the socket's file; null leaves the daemon's own.</summary>
    public SocketGroup? SocketGroup => Values.Get(BridgeKeys.SocketGroup);
    /// <summary>Null: the outer half alone. Set exactly if <see cref="Target"/> is.</summary>
    public NamespaceReference? Namespace => Values.Get(BridgeKeys.Namespace);
    /// <summary>Its ports, if it has any, are as many as those of each entry of <see cref="Listen"/>.</summary>
    public TargetEndpoint? Target => Values.Get(BridgeKeys.Target);
    public JoinMode Join => Values.Get(BridgeKeys.Join);
    /// <summary>More than zero.</summary>
    public TimeSpan ConnectTimeout => Values.Get(BridgeKeys.ConnectTimeout);
    /// <summary>Zero: clients are not parked.</summary>
    public TimeSpan TargetWait => Values.Get(BridgeKeys.TargetWait);
    /// <summary>Zero: never.</summary>
    public TimeSpan IdleTimeout => Values.Get(BridgeKeys.IdleTimeout);
    /// <summary>Zero: off. Else whole seconds, 1 to 32767.</summary>
    public TimeSpan KeepAlive => Values.Get(BridgeKeys.KeepAlive);
    /// <summary>0: no limit.</summary>
    public int MaxConnections => Values.Get(BridgeKeys.MaxConnections);
    /// <summary>0: no limit.</summary>
    public int MaxConnectionsPerClient => Values.Get(BridgeKeys.MaxConnectionsPerClient);
    /// <summary>Empty: everyone. IPv4-mapped networks are IPv4 ones here; map a client's address likewise before comparing.</summary>
    public ValueList<IPNetwork> AllowFrom => Values.Get(BridgeKeys.AllowFrom);
    public ProxyProtocol ProxyProtocol => Values.Get(BridgeKeys.ProxyProtocol);
    /// <summary>If it is <c>client</c>, <see cref="Target"/> is a loopback address.</summary>
    public SourceAddress SourceAddress => Values.Get(BridgeKeys.SourceAddress);
    public WhenNamespaceGoes WhenNamespaceGoes => Values.Get(BridgeKeys.WhenNamespaceGoes);
    /// <summary>Zero: the target is not probed.</summary>
    public TimeSpan Probe => Values.Get(BridgeKeys.Probe);
    public bool AccessLog => Values.Get(BridgeKeys.AccessLog);
    /// <summary>The descriptors that <see cref="Listen"/> takes: an inner half of the same process has those of UDP once more.</summary>
    public int ListenDescriptors =>
        Listen.Sum(entry => entry.Sockets().Count()) * (Protocol == BridgeProtocol.Udp && Namespace is not null ? 2 : 1);
    /// <summary>Whether systemd's sockets replace those of <see cref="Listen"/>: they are of the host's namespace.</summary>
    public bool TakesSockets => Enabled && Listen.Count > 0 && ListenNamespace.Kind == NamespaceKind.Host;
    /// <summary>Whether a running bridge can take this over without touching a listener or a connection.</summary>
    public bool CanReplace(BridgeSettings running) => Enabled && Values.Differences(running.Values).All(key => key.MayChange);
    /// <summary>The same bridge with another value at one key.</summary>
    public BridgeSettings With(ValueKey key, object? value) => new(Values.With(key, value));
}
