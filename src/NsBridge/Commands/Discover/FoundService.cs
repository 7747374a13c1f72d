using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Values;
using NsBridge.Linux;

namespace NsBridge.Commands.Discover;

/// <summary>A service that listens in a namespace.</summary>
/// <param name="Namespace">As a configuration names it.</param>
/// <param name="Socket">Where it listens.</param>
/// <param name="Process">Its process; null if this user may not see it.</param>
internal sealed record FoundService(string Namespace, BoundSocket Socket, RunningProcess? Process)
{
    /// <summary>The first port that the kernel gives to clients (ip_local_port_range): a UDP socket there is most likely one.</summary>
    private const int FirstEphemeral = 32768;

    public BridgeProtocol Protocol => Socket.Kind == BoundSocketKind.Udp ? BridgeProtocol.Udp : BridgeProtocol.Tcp;
    public int Port => Socket.Address!.Port;

    /// <summary>The target of a bridge to it: the loopback address if it listens on every address.</summary>
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

    /// <summary>The services of one namespace, without nsbridge's own listeners. A service on both address families counts once.</summary>
    public static IEnumerable<FoundService> In(string reference, NamespaceSockets sockets, SocketSnapshot snapshot) => sockets.All
        .Where(socket => socket.Address is { } address && !address.Address.IsIPv6LinkLocal
            && (socket.Kind == BoundSocketKind.Tcp || address.Port < FirstEphemeral) && !snapshot.IsOwn(socket))
        .Select(socket => new FoundService(reference, socket, snapshot.OwnerOf(socket)))
        .OrderBy(service => service.Protocol).ThenBy(service => service.Port)
        .ThenBy(service => service.Socket.Address!.AddressFamily == AddressFamily.InterNetworkV6)
        .DistinctBy(service => (service.Protocol, service.Port, service.Process?.Pid ?? 0));

    /// <summary><c>vpn: qbittorrent-nox (pid 4711) listens on *:8080</c>.</summary>
    public override string ToString()
    {
        string who = Process?.ToString() ?? string.Create(CultureInfo.InvariantCulture, $"a process of user {Socket.User}");
        return $"{Namespace}: {who} {(Protocol == BridgeProtocol.Udp ? "receives datagrams" : "listens")} on {Socket}";
    }
}
