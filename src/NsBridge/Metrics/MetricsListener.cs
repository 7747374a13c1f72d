using System.Net;
using System.Net.Sockets;
using NsBridge.Base;
using NsBridge.Configuration.Values;
using NsBridge.Control;

namespace NsBridge.Metrics;

/// <summary>Opens the listeners of <c>Metrics:Listen</c>.</summary>
internal static class MetricsListener
{
    private const int Backlog = 128;
    private const string Key = "NsBridge:Metrics:Listen";

    /// <summary>Every user may connect, as to a TCP port; the mode of the directory can restrict that.</summary>
    private const int AllUsers = 0b110_110_110;

    /// <returns>Listening sockets, at least one; and the file of a UNIX socket, disposed with them.</returns>
    /// <exception cref="ListenUnavailableException">The address is in use, or not one of this machine: either may pass.</exception>
    /// <exception cref="UserErrorException">The address is not permitted, or the UNIX socket cannot be made.</exception>
    public static (IReadOnlyList<Socket> Sockets, LocalListener? File) Open(MetricsEndpoint endpoint)
    {
        if (endpoint.UnixPath is { } path)
        {
            var local = LocalListener.Open(path, AllUsers, "metrics");
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
            // Without IPv6 the wildcard is served by IPv4, and the loopback pair by its first half.
            if (place.DualStack && !Socket.OSSupportsIPv6)
                address = IPAddress.Any;
            if (place.Interface is { } link)
            {
                long number = InterfaceNumber.OfHost(link)
                    ?? throw new ListenUnavailableException($"{Key}: there is no network interface '{link}'");
                address = new IPAddress(address.GetAddressBytes(), number);
            }
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = place.DualStack;

            // The framework sets SO_REUSEADDR for TCP, so that the port of a daemon that has just ended can be bound.
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
            SocketError.AccessDenied =>
                new UserErrorException($"{of}: a port as low as this needs CAP_NET_BIND_SERVICE; choose a higher one", ExitCode.Privilege),
            _ => new UserErrorException($"{of}: {exception.Message}", ExitCode.Failed),
        };
    }
}
