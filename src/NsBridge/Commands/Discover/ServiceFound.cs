using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Values;
using NsBridge.Linux;

namespace NsBridge.Commands.Discover;

/// <summary>Something that awaits clients in a namespace.</summary>
/// <param name="Namespace">As a configuration names it.</param>
/// <param name="Socket">Where it awaits them.</param>
/// <param name="Process">Whose it is; null where that may not be seen.</param>
internal sealed record ServiceFound(string Namespace, BoundSocket Socket, RunningProcess? Process)
{
    /// <summary>The first of the ports that the kernel gives to clients (ip_local_port_range): a UDP socket there is most likely one.</summary>
    private const int FirstEphemeral = 32768;

    public BridgeProtocol Protocol => Socket.Kind == BoundSocketKind.Udp ? BridgeProtocol.Udp : BridgeProtocol.Tcp;

    public int Port => Socket.Address!.Port;

    /// <summary>The target of a bridge to it: the loopback address where it awaits clients on every address.</summary>
    public string Target
    {
        get
        {
            IPAddress address = Socket.Address!.Address;
            if (address.Equals(IPAddress.Any) || (address.Equals(IPAddress.IPv6Any) && !Socket.V6Only))
                address = IPAddress.Loopback;
            else if (address.Equals(IPAddress.IPv6Any))
                address = IPAddress.IPv6Loopback;
            return new IPEndPoint(address, Port).ToString();
        }
    }

    /// <summary>What awaits clients in one namespace: a service that does so on both families counts once.</summary>
    public static IEnumerable<ServiceFound> In(string reference, IReadOnlyList<BoundSocket> sockets)
    {
        var useful = sockets.Where(socket => socket.Address is { } address && !address.Address.IsIPv6LinkLocal
            && (socket.Kind == BoundSocketKind.Tcp || address.Port < FirstEphemeral)).ToList();
        Dictionary<uint, RunningProcess> owners = SocketOwners.Find(useful.Select(socket => socket.Inode).ToHashSet());
        return useful
            .Select(socket => new ServiceFound(reference, socket, owners.GetValueOrDefault(socket.Inode)))
            .OrderBy(service => service.Protocol).ThenBy(service => service.Port)
            .ThenBy(service => service.Socket.Address!.AddressFamily == AddressFamily.InterNetworkV6)
            .DistinctBy(service => (service.Protocol, service.Port, service.Process?.Pid ?? 0));
    }

    /// <summary><c>vpn: qbittorrent-nox (pid 4711) listens on *:8080</c>.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Namespace}: {Process?.ToString() ?? $"a process of user {Socket.User}"} {(Protocol == BridgeProtocol.Udp ? "takes datagrams" : "listens")} on {Socket}");
}
