using NsBridge.Benchmarks.Systems;
using NsBridge.Linux.Interop;

namespace NsBridge.Benchmarks.Load;

/// <summary>Begins connections to one door, from its source addresses in turn.</summary>
internal sealed class Dialer(Door door)
{
    // IP_BIND_ADDRESS_NO_PORT of linux/in.h: the port is chosen when connecting, so that one serves many destinations.
    private const int BindAddressNoPort = 24;
    private readonly SockAddr _to = SockAddr.From(door.To.Address, door.To.Port);
    private readonly SockAddr[] _from = [.. door.From.Select(address => SockAddr.From(address, 0))];
    private int _next;

    /// <summary>A socket that is connecting, writable once it is connected; or a negated error.</summary>
    internal int Begin()
    {
        int socket = Libc.Socket(Libc.AF_INET, Libc.SOCK_STREAM);
        if (socket < 0)
            return socket;
        Libc.SetOption(socket, Libc.IPPROTO_IP, BindAddressNoPort, 1);
        Libc.SetOption(socket, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
        Libc.Bind(socket, _from[_next++ % _from.Length]);
        int result = Libc.Connect(socket, _to);
        if (result >= 0 || Libc.ErrorOf(result) == Errno.EINPROGRESS)
            return socket;
        Libc.Close(socket);
        return result;
    }
}
