using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Control;
using NsBridge.Linux;

namespace NsBridge.Commands.Doctor;

/// <summary>What the checks of one bridge know, and what earlier checks found for later ones.</summary>
/// <param name="Settings">As configured.</param>
/// <param name="ListenPlace">Where its listener lives.</param>
/// <param name="TargetPlace">Where its target is; null for an outer half alone.</param>
/// <param name="Daemon">What the running daemon answered.</param>
/// <param name="Sockets">The listening sockets of this machine, shared by all bridges.</param>
/// <param name="RuntimeDirectory">Of the configuration; the daemon makes it if it is missing.</param>
internal sealed record InspectedBridge(
    BridgeSettings Settings,
    ResolvedNamespace ListenPlace,
    ResolvedNamespace? TargetPlace,
    DaemonAnswer Daemon,
    SocketSnapshot Sockets,
    string RuntimeDirectory)
{
    /// <summary>What the running daemon reports of this bridge; null if it does not know it.</summary>
    public BridgeStatus? Status => Daemon.Document?.Bridges.FirstOrDefault(bridge => bridge.Name == Settings.Name);

    public bool IsUp => Status is { State: "up" };

    public BoundSocketKind Kind => Settings.Protocol == BridgeProtocol.Udp ? BoundSocketKind.Udp : BoundSocketKind.Tcp;

    /// <summary>Whether a socket is one of nsbridge's own, so never the service that is missing.</summary>
    public bool IsOwn(BoundSocket socket) =>
        Sockets.IsOwn(socket) || (Daemon.Document is { } daemon && Sockets.IsHeldBy(socket, daemon.Pid));

    /// <summary>The command that checks everything.</summary>
    public string AsRoot =>
        $"sudo nsbridge doctor {Settings.Name}{(Daemon.ConfigFile is { } file ? $" --config {Cures.Quoted(file)}" : "")}";

    /// <summary>The way to the target, once <see cref="NamespaceCheck"/> has entered it.</summary>
    public NetworkNamespace? Network { get; set; }

    /// <summary>The first port of the target's range that has a listener, from 0.</summary>
    public int Offset { get; set; }

    /// <summary>The target's place in findings.</summary>
    public string Place => TargetPlace?.Name ?? "";

    /// <summary>The program before a command that acts at the target's place, for cures.</summary>
    public string IpCommand => TargetPlace?.IpCommand ?? "ip";
}
