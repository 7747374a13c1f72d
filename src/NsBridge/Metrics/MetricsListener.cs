using System.Net;
using System.Net.Sockets;
using NsBridge.Base;
using NsBridge.Configuration.Values;
using NsBridge.Control;

namespace NsBridge.Metrics;

/// <summary>Opens what <c>Metrics:Listen</c> names.</summary>
internal static class MetricsListener
{
    private const int Backlog = 128;
    private const string Key = "NsBridge:Metrics:Listen";

    /// <summary>Everybody on the machine may connect, as to a TCP port; the directory narrows that where it is wanted.</summary>
    private const int Everybody = 0b110_110_110;

    /// <returns>Listening sockets, at least one; and the file of a UNIX socket, to be disposed with them.</returns>
    /// <exception cref="ListenUnavailableException">It is taken, or not an address of this machine: either may pass.</exception>
    /// <exception cref="UserErrorException">It is not permitted, or a UNIX socket cannot be made there.</exception>
    public static (IReadOnlyList<Socket> Sockets, LocalListener? File) Open(MetricsEndpoint endpoint)
    {
        if (endpoint.UnixPath is { } path)
        {
            var local = LocalListener.Open(path, Everybody, "metrics");
            return ([local.Socket], local);
        }

        var opened = new List<Socket>();
        try
        {
            foreach (ListenSocket place in endpoint.Tcp!.Sockets())
            {
                if (OpenTcp(place, opened.Count > 0, endpoint) is { } socket)
                    opened.Add(socket);
            }

            return (opened, null);
        }
        catch
        {
            opened.ForEach(socket => socket.Dispose());
            throw;
        }
    }

    private static Socket? OpenTcp(ListenSocket place, bool optional, MetricsEndpoint endpoint)
    {
        IPAddress address = place.Address;
        Socket? socket = null;
        try
        {
            // A machine without IPv6 serves its wildcard by IPv4, and the loopback pair by its first half.
            if (place.DualStack && !Socket.OSSupportsIPv6)
                address = IPAddress.Any;
            if (place.Interface is { } link)
                address = new IPAddress(address.GetAddressBytes(),
                    InterfaceNumber.OfHost(link) ?? throw new ListenUnavailableException($"{Key}: there is no network interface '{link}'"));
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = place.DualStack;

            // For TCP the framework lets the port of a daemon that has just ended be bound again (SO_REUSEADDR).
            socket.Bind(new IPEndPoint(address, place.Port));
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException exception)
        {
            socket?.Dispose();
            if (optional && exception.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable)
                return null;
            throw Fault(endpoint, exception);
        }
    }

    private static Exception Fault(MetricsEndpoint endpoint, SocketException exception)
    {
        string of = $"{Key} = \"{endpoint.Text}\"";
        return exception.SocketErrorCode switch
        {
            SocketError.AddressAlreadyInUse => new ListenUnavailableException($"{of}: another program listens there; 'ss -ltnp' names it"),
            SocketError.AddressNotAvailable => new ListenUnavailableException($"{of}: this machine has no such address"),
            SocketError.AccessDenied => new UserErrorException($"{of}: a port as low as this needs CAP_NET_BIND_SERVICE; choose a higher one", ExitCode.Privilege),
            _ => new UserErrorException($"{of}: {exception.Message}", ExitCode.Failed),
        };
    }
}
