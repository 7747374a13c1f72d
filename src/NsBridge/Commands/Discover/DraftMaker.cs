using System.Globalization;
using System.Net;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux;

namespace NsBridge.Commands.Discover;

/// <summary>Makes bridge entries for services: names and host ports that are free, and no second bridge to one service.</summary>
internal sealed class DraftMaker
{
    private const int FirstUnprivileged = 1024;

    private readonly HashSet<string> _names;
    private readonly HashSet<string> _stems = [];
    private readonly bool[,] _drafted = new bool[2, ushort.MaxValue + 1];
    private readonly bool[,] _taken = new bool[2, ushort.MaxValue + 1];
    private readonly ILookup<(string Place, BridgeProtocol Protocol), BridgeSettings> _bridges;

    /// <param name="configured">The bridges that exist; empty if there is no configuration.</param>
    /// <param name="host">The listening sockets of the host.</param>
    public DraftMaker(IReadOnlyList<BridgeSettings> configured, IReadOnlyList<BoundSocket> host)
    {
        _names = [.. configured.Select(bridge => bridge.Name)];
        foreach (BoundSocket socket in host.Where(socket => socket.Address is not null))
            _taken[socket.Kind == BoundSocketKind.Udp ? (int)BridgeProtocol.Udp : (int)BridgeProtocol.Tcp, socket.Address!.Port] = true;
        foreach (BridgeSettings bridge in configured)
        {
            foreach (ListenSocket socket in bridge.Listen.SelectMany(entry => entry.Sockets()))
                _taken[(int)bridge.Protocol, socket.Port] = true;
        }
        _bridges = configured.Where(bridge => bridge is { Namespace: not null, Target.IsUnix: false })
            .ToLookup(bridge => (bridge.Namespace!.PlaceKey, bridge.Protocol));
    }

    /// <summary>The bridge that leads to the service already; null for none.</summary>
    public string? BridgeTo(FoundService service) => NamespaceReference.TryParse(service.Namespace, out NamespaceReference? place, out _)
        ? _bridges[(place.PlaceKey, service.Protocol)].FirstOrDefault(bridge => bridge.Target!.Ports.Contains(service.Port)
            && bridge.Target.Addresses.Any(address => service.Socket.Takes(address, service.Port)))?.Name
        : null;

    public BridgeDraft Draft(FoundService service)
    {
        string place = service.Namespace[(service.Namespace.IndexOf(':', StringComparison.Ordinal) + 1)..];
        (int protocol, int port) = ((int)service.Protocol, service.Port);
        bool isDrafted = _drafted[protocol, port];
        while (_taken[protocol, port] || _drafted[protocol, port])
            port = port < ushort.MaxValue ? port + 1 : FirstUnprivileged;
        _drafted[protocol, port] = true;
        string stem = $"{place}-{service.Process?.Name ?? service.Port.ToString(CultureInfo.InvariantCulture)}";
        string why = isDrafted ? "is another entry's above" : "of the host is taken";
        string moved = port == service.Port ? "" : $"; port {service.Port} {why}";
        return new BridgeDraft(
            BridgeDraft.NameFrom(_stems.Add(stem) ? stem : string.Create(CultureInfo.InvariantCulture, $"{stem}-{service.Port}"), _names),
            [new IPEndPoint(IPAddress.Loopback, port).ToString()],
            service.Namespace,
            service.Target,
            service.Protocol,
            Note: service + moved);
    }
}
