using System.Net;
using System.Net.Sockets;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Hosting;

/// <summary>The listening sockets that bridges are about to take. It compares exactly what decides whether one is taken: a dual-stack
/// socket at the port of an IPv6-only one is not taken, and would block it.</summary>
internal sealed class WantedListeners
{
    private readonly HashSet<string> _paths;
    private readonly HashSet<Trait> _traits;

    /// <param name="coming">The bridges that are about to start.</param>
    /// <param name="hasIPv6">Whether the machine has IPv6; null finds out.</param>
    public WantedListeners(IEnumerable<BridgeSettings> coming, bool? hasIPv6 = null)
    {
        bool hasSix = hasIPv6 ?? Socket.OSSupportsIPv6;
        BridgeSettings[] bridges = [.. coming.Where(bridge => bridge.Enabled)];
        _paths = [.. bridges.Where(bridge => bridge.Namespace is not null).Select(bridge => bridge.Socket)];
        _traits = [.. bridges.SelectMany(bridge => bridge.Listen.SelectMany(entry => entry.Sockets())
            .Select(socket => Trait.Of(socket.DualStack && !hasSix ? socket.WithoutIPv6 : socket, bridge)))];
    }

    /// <summary>Whether one of the bridges will take it.</summary>
    public bool Contains(ListenerSnapshot listener) =>
        listener.Path.Length > 0 ? _paths.Contains(listener.Path)
            : Trait.Of(listener.Descriptor) is { } trait && (_traits.Contains(trait) || _traits.Contains(trait.OfInterface));

    /// <param name="Type">SOCK_STREAM or SOCK_DGRAM.</param>
    /// <param name="IsHosts">Whether it belongs to the host's network. Others are not distinguished: no name is resolved yet.</param>
    /// <param name="Address">Without its interface, which an entry may name: its number is known only inside the namespace. For an entry
    /// that is an interface, one that stands for all addresses of the family.</param>
    /// <param name="Port">Its port.</param>
    /// <param name="V6Only">Whether an IPv6 socket refuses IPv4 clients; null for IPv4.</param>
    private readonly record struct Trait(int Type, bool IsHosts, IPAddress Address, int Port, bool? V6Only)
    {
        public static Trait Of(ListenSocket socket, BridgeSettings bridge) => new(
            bridge.Protocol == BridgeProtocol.Udp ? Libc.SOCK_DGRAM : Libc.SOCK_STREAM,
            bridge.ListenNamespace.Kind == NamespaceKind.Host,
            Bare(socket.Address),
            socket.Port,
            IsSix(socket.Address) ? !socket.DualStack : null);

        /// <summary>The trait of an entry that is an interface, if this is the trait of one of its listeners.</summary>
        public Trait OfInterface => Address.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any) ? this
            : this with { Address = ListenEndpoint.OfInterface[IsSix(Address) ? 1 : 0] };

        public static Trait? Of(int socket)
        {
            if (Libc.LocalAddress(socket, out SockAddr bound) < 0 || bound.ToEndPoint() is not { } at
                || Libc.GetOption(socket, Libc.SOL_SOCKET, Libc.SO_TYPE, out int type) < 0)
                return null;
            bool? v6Only = !IsSix(at.Address) ? null
                : Libc.GetOption(socket, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, out int only) >= 0 && only != 0;
            return new Trait(type, Libc.NetworkNamespaceCookie(socket) == NetworkNamespace.OwnCookie, Bare(at.Address), at.Port, v6Only);
        }

        private static bool IsSix(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;

        private static IPAddress Bare(IPAddress address) => IsSix(address) ? new IPAddress(address.GetAddressBytes()) : address;
    }
}
