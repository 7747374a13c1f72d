using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Settings;
using NsBridge.Control;
using NsBridge.Linux;

namespace NsBridge.Commands.Doctor;

/// <summary>A bridge that is looked at, and what is known of its surroundings.</summary>
/// <param name="Bridge">As configured.</param>
/// <param name="Door">Where its listener lives.</param>
/// <param name="Inside">Where its target is; null for an outer half alone.</param>
/// <param name="Daemon">What the running daemon says; null where none runs.</param>
/// <param name="DaemonFault">Why the daemon could not be asked although one may run; null where it could, or none runs.</param>
/// <param name="RuntimeDirectory">Of the configuration; the daemon makes it where it is missing.</param>
internal sealed record InspectedBridge(BridgeSettings Bridge, ResolvedNamespace Door, ResolvedNamespace? Inside, StatusDocument? Daemon, DaemonFault? DaemonFault, string RuntimeDirectory)
{
    private readonly Lazy<NamespaceSockets> _host = new(() => NamespaceSockets.Look(NetworkNamespace.Own));

    /// <summary>What the running daemon says of this bridge; null where it does not know it.</summary>
    public BridgeStatus? Status => Daemon?.Bridges.FirstOrDefault(bridge => bridge.Name == Bridge.Name);

    /// <summary>What awaits clients on the host.</summary>
    public NamespaceSockets Host => _host.Value;

    /// <summary>The way to the target's place, once <see cref="NamespaceCheck"/> has found that it can be gone.</summary>
    public NetworkNamespace? Network { get; set; }

    /// <summary>How the target's place is called in findings.</summary>
    public string Place => Inside?.Name ?? "";

    /// <summary>The program before a command that acts at the target's place, for cures.</summary>
    public string IpCommand => Inside?.IpCommand ?? "ip";
}
