using NsBridge.Configuration;
using NsBridge.Linux;
using NsBridge.Operations.Looking;
using NsBridge.Operations.Status;

namespace NsBridge.Operations.Doctor;

/// <summary>A bridge that is looked at, and what is known of its surroundings.</summary>
/// <param name="Bridge">As configured.</param>
/// <param name="Daemon">What the running daemon says; null where none runs.</param>
/// <param name="DaemonFault">Why the daemon could not be asked although one may run; null where it could, or none runs.</param>
internal sealed record Patient(BridgeSettings Bridge, StatusDocument? Daemon, string? DaemonFault)
{
    private readonly Lazy<NamespaceSockets> _host = new(() => NamespaceSockets.Look(NetworkNamespace.Own));

    /// <summary>What the running daemon says of this bridge; null where it does not know it.</summary>
    public BridgeStatus? Status => Daemon?.Bridges.FirstOrDefault(bridge => bridge.Name == Bridge.Name);

    /// <summary>What awaits clients on the host.</summary>
    public NamespaceSockets Host => _host.Value;

    /// <summary>The way into the bridge's namespace, once <see cref="NamespaceCheck"/> has found it.</summary>
    public NetworkNamespace? Network { get; set; }

    /// <summary>How the namespace is called in findings.</summary>
    public string Place => Bridge.Namespace is not { } place ? "" : place.Kind == NamespaceKind.Host ? "the host" : place.Text;

    /// <summary>The program before a command that acts inside the bridge's namespace, for cures: <c>ip -n vpn</c>.</summary>
    public string IpCommand => Bridge.Namespace switch
    {
        { Kind: NamespaceKind.Name, Value: var name } => $"ip -n {name}",
        { FilePath: { } path } => $"nsenter --net={path} ip",
        _ => "ip",
    };
}
