using System.Text;

namespace NsBridge.Linux.Interop;

/// <summary>Network interfaces of a socket's namespace, see socket(7) and rtnetlink(7). Without ioctl(2), which the packaged unit forbids:
/// with CAP_SYS_ADMIN it reads and writes any file of an XFS file system.</summary>
public static unsafe partial class Libc
{
    internal const int NETLINK_ROUTE = 0;
    internal const ushort RTM_NEWLINK = 16;
    internal const ushort RTM_NEWADDR = 20;
    internal const ushort RTM_GETADDR = 22;
    internal const ushort IFA_ADDRESS = 1;
    internal const ushort IFA_LOCAL = 2;
    internal const byte IFA_F_TENTATIVE = 0x40;
    internal const int IFF_UP = 1;

    private const int SO_BINDTODEVICE = 25;
    private const int SO_BINDTOIFINDEX = 62;
    private const int LongestInterfaceName = 15;

    /// <summary>Binds a socket to a network interface of its namespace, as the kernel does by itself for a link-local address, and returns
    /// the interface's index. The scope of any other address means nothing to the kernel.</summary>
    /// <returns>The index, or a negated error (ENODEV: there is none of that name).</returns>
    public static int BindToInterface(int socket, string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        if (bytes.Length is 0 or > LongestInterfaceName)
            return -(int)Errno.ENODEV;
        int result;
        fixed (byte* b = bytes)
            result = Result(setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, b, (uint)bytes.Length));
        if (result < 0)
            return result;
        result = GetOption(socket, SOL_SOCKET, SO_BINDTOIFINDEX, out int index);
        return result < 0 ? result : index;
    }

    /// <summary>Whether <c>lo</c> is up in the namespace of an unbound UDP socket of AF_INET: the socket sends a datagram to itself. A
    /// <c>lo</c> that was up keeps its routes when it is taken down, and drops what is sent. Waits up to 20 ms.</summary>
    /// <returns>1 if it is up, 0 if it is down, or a negated error.</returns>
    public static int LoopbackIsUp(int socket)
    {
        const int Tries = 20;
        int result = Bind(socket, SockAddr.From(System.Net.IPAddress.Loopback, 0));
        if (result < 0)
            return ErrorOf(result) == Errno.EADDRNOTAVAIL ? 0 : result;
        result = LocalAddress(socket, out SockAddr own);
        if (result >= 0)
            result = Connect(socket, own);
        if (result < 0)
            return ErrorOf(result) == Errno.ENETUNREACH ? 0 : result;
        Span<byte> mark = stackalloc byte[1];
        if (Send(socket, mark) < 0)
            return 0;
        for (int i = 0; i < Tries; i++)
        {
            if (Receive(socket, mark, MSG_DONTWAIT) == 1)
                return 1;
            Thread.Sleep(1);
        }
        return 0;
    }
}
