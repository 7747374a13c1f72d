using System.Globalization;
using System.Net;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux;

namespace NsBridge.Commands.Discover;

/// <summary>Makes bridge entries of what was found: names and host ports that are free, and nothing that is bridged already.</summary>
/// <param name="configured">The bridges that exist; empty where there is no configuration.</param>
/// <param name="host">What awaits clients on the host.</param>
internal sealed class DraftMaker(IReadOnlyList<BridgeSettings> configured, IReadOnlyList<BoundSocket> host)
{
    private readonly HashSet<string> _names = [.. configured.Select(bridge => bridge.Name)];
    private readonly HashSet<(BridgeProtocol, int)> _ports = [];

    /// <summary>The bridge that leads to the service already; null for none.</summary>
    public string? BridgeTo(ServiceFound service) => configured.FirstOrDefault(bridge =>
        bridge.Namespace is { } place && NamespaceReference.TryParse(service.Namespace, out NamespaceReference? found, out _) && place.SamePlace(found)
        && bridge.Protocol == service.Protocol
        && bridge.Target is { IsUnix: false } target && target.Ports.Contains(service.Port)
        && target.Addresses.Any(address => service.Socket.Takes(address, service.Port)))?.Name;

    public BridgeDraft Draft(ServiceFound service)
    {
        string stem = $"{service.Namespace[(service.Namespace.IndexOf(':', StringComparison.Ordinal) + 1)..]}-{service.Process?.Name ?? service.Port.ToString(CultureInfo.InvariantCulture)}";
        bool isGiven = _ports.Contains((service.Protocol, service.Port));
        int port = service.Port;
        while (!IsFree(service.Protocol, port))
            port = port < ushort.MaxValue ? port + 1 : 1024;
        _ports.Add((service.Protocol, port));
        return new BridgeDraft(
            BridgeDraft.NameFrom(stem, _names),
            [new IPEndPoint(IPAddress.Loopback, port).ToString()],
            service.Namespace,
            service.Target,
            service.Protocol,
            Note: service + (port == service.Port ? "" : $"; port {service.Port} {(isGiven ? "is another entry's above" : "of the host is taken")}"));
    }

    private bool IsFree(BridgeProtocol protocol, int port)
    {
        BoundSocketKind kind = protocol == BridgeProtocol.Udp ? BoundSocketKind.Udp : BoundSocketKind.Tcp;
        return !_ports.Contains((protocol, port))
            && !host.Any(socket => socket.Kind == kind && socket.Address?.Port == port)
            && !configured.Any(bridge => bridge.Protocol == protocol && bridge.Listen.Any(listen => listen.Ports.Contains(port)));
    }
}
