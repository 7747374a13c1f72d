namespace NsBridge.Linux.Interop;

/// <summary>Sockets with an address of another machine, see ip(7).</summary>
public static partial class Libc
{
    private const int IP_TRANSPARENT = 19;
    private const int IP_BIND_ADDRESS_NO_PORT = 24;

    /// <summary>Binds a new socket to an address that is not its namespace's. The port is kept if it is free, else the kernel chooses one:
    /// it may be another socket's, or need CAP_NET_BIND_SERVICE. A TCP port that the address uses is free towards any other peer.</summary>
    /// <remarks>The socket sends by <c>lo</c> alone: while that is down, 127.0.0.1 is reached by the default route like any other
    /// address.</remarks>
    /// <param name="socket">The socket.</param>
    /// <param name="address">The address; with port 0 the kernel chooses one.</param>
    /// <param name="isStream">Whether it is a TCP socket.</param>
    /// <returns>0, or a negated error (EPERM: needs CAP_NET_RAW in the user namespace that owns the network).</returns>
    public static int BindForeign(int socket, in SockAddr address, bool isStream)
    {
        int result = SetOption(socket, IPPROTO_IP, IP_TRANSPARENT, 1);
        if (result >= 0)
            result = SetOption(socket, SOL_SOCKET, SO_BINDTOIFINDEX, DatagramBatch.LoopbackInterface);
        if (result < 0)
            return result;
        if (isStream)
            SetOption(socket, SOL_SOCKET, SO_REUSEADDR, 1);
        result = address.Port != 0 ? Bind(socket, address) : -(int)Errno.EADDRINUSE;
        if (ErrorOf(result) is not (Errno.EADDRINUSE or Errno.EACCES))
            return result;
        if (isStream)
            SetOption(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        return Bind(socket, address.WithPort(0));
    }
}
