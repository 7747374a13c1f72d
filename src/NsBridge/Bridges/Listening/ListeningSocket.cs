using System.Net;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;

namespace NsBridge.Bridges.Listening;

/// <summary>Makes the sockets that clients come to.</summary>
internal static class ListeningSocket
{
    /// <summary>Cut by the kernel to net.core.somaxconn.</summary>
    private const int Backlog = 65535;

    /// <summary>A socket that listens where it should, or is bound there in a UDP bridge.</summary>
    /// <returns>The socket; -1 where a machine without IPv6 has no such address and another one of the entry serves.</returns>
    /// <exception cref="BridgeSetupException">It cannot be bound; says why, and by whom the port is taken where that is so.</exception>
    public static int Open(NamespaceTracker place, ListenSocket wanted, ListenEndpoint entry, BridgeSettings settings, LoopGroup engine, out ulong cookie)
    {
        Span<int> one = stackalloc int[1];
        bool six = wanted.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        int made = place.OpenSockets(six ? Libc.AF_INET6 : Libc.AF_INET, settings.Protocol == BridgeProtocol.Udp ? Libc.SOCK_DGRAM : Libc.SOCK_STREAM, one, out cookie, out EnterFailure failure);
        bool hasOther = entry.Scope == ListenScope.Loopback && six;
        if (made == 0)
        {
            if (failure.Error == Errno.EAFNOSUPPORT && wanted.DualStack)
                return Open(place, wanted.WithoutIPv6, entry, settings, engine, out cookie);
            if (failure.Error == Errno.EAFNOSUPPORT && hasOther)
                return -1;
            if (failure.Error == Errno.EMFILE)
                throw new BridgeSetupException(ReasonCode.OutOfDescriptors, engine.Descriptors.Explain(settings.ListenDescriptors));
            throw place.Resolve(out NamespaceState absent) is { } network
                ? new BridgeSetupException(StateReason.CodeOf(failure), network.Explain(failure))
                : new BridgeSetupException(StateReason.Of(absent));
        }
        int socket = one[0];
        int result = Address(socket, wanted, out SockAddr address);
        if (result >= 0)
        {
            int before = engine.Kept.TakeInternet(settings.Protocol == BridgeProtocol.Udp ? Libc.SOCK_DGRAM : Libc.SOCK_STREAM, cookie, address, six ? !wanted.DualStack : null);
            if (before >= 0)
            {
                Libc.Close(socket);
                if (settings.Protocol == BridgeProtocol.Tcp)
                    TcpOptions.ForListener(before, address, settings.KeepAlive);
                return before;
            }
            result = Bind(socket, wanted, address, six, settings);
        }
        if (result >= 0)
            return socket;
        Libc.Close(socket);
        if (result == -(int)Errno.EADDRNOTAVAIL && hasOther)
            return -1;
        Errno error = Libc.ErrorOf(result);
        ReasonCode code = error == Errno.EACCES ? ReasonCode.ListenerForbidden : StateReason.Shortage(error, ReasonCode.ListenerUnavailable);
        throw new BridgeSetupException(code, Explain(entry, wanted, settings.Protocol, error));
    }

    private static int Address(int socket, ListenSocket wanted, out SockAddr address)
    {
        address = SockAddr.From(wanted.Address, wanted.Port);
        if (wanted.Interface is not { } name || !wanted.Address.IsIPv6LinkLocal)
            return 0;
        int index = Libc.BindToInterface(socket, name);
        if (index >= 0)
            address = SockAddr.From(new IPAddress(wanted.Address.GetAddressBytes(), index), wanted.Port);
        return Math.Min(index, 0);
    }

    private static int Bind(int socket, ListenSocket wanted, in SockAddr address, bool six, BridgeSettings settings)
    {
        bool isUdp = settings.Protocol == BridgeProtocol.Udp;
        // A restart binds again although connections of the last run still close. Among UDP sockets it would share the port.
        if (!isUdp)
            Libc.SetOption(socket, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1);
        if (six)
            Libc.SetOption(socket, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, wanted.DualStack ? 0 : 1);
        if (isUdp)
            UdpSocket.PrepareListener(socket);
        else
            TcpOptions.ForListener(socket, address, settings.KeepAlive);
        int result = Libc.Bind(socket, address);
        return result < 0 || isUdp ? result : Libc.Listen(socket, Backlog);
    }

    private static string Explain(ListenEndpoint entry, ListenSocket wanted, BridgeProtocol protocol, Errno error)
    {
        string address = new IPEndPoint(wanted.Address, wanted.Port).ToString();
        // One entry may be several addresses: a port alone, or a range.
        string what = $"cannot listen on {entry}{(entry.ToString() == address ? "" : $" ({address})")}: ";
        return error switch
        {
            Errno.EADDRINUSE => what + "EADDRINUSE - another program has the port; `ss -l" + (protocol == BridgeProtocol.Udp ? "u" : "t") + "np` names it",
            Errno.EADDRNOTAVAIL => what + "EADDRNOTAVAIL - no interface has that address (yet)",
            Errno.EACCES => what + "EACCES - a port as low as this needs CAP_NET_BIND_SERVICE",
            Errno.ENODEV => what + $"there is no interface {wanted.Interface} (yet)",
            _ => what + error,
        };
    }
}
