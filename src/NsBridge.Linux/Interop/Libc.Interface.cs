using System.Runtime.InteropServices;
using System.Text;

namespace NsBridge.Linux.Interop;

/// <summary>Network interfaces, of the network namespace that the asking socket belongs to: netdevice(7).</summary>
public static unsafe partial class Libc
{
    private const nuint SIOCGIFFLAGS = 0x8913;
    private const nuint SIOCSIFFLAGS = 0x8914;
    private const short IFF_UP = 1;
    private const int IFNAMSIZ = 16;
    private const int SizeOfIfReq = 40;

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int ioctl(int descriptor, nuint request, byte* argument);

    /// <summary>1 where the interface is up, 0 where it is down, or a negated error (ENODEV: there is none of that name).</summary>
    public static int InterfaceIsUp(int socket, string name)
    {
        byte* request = stackalloc byte[SizeOfIfReq];
        FillName(new Span<byte>(request, SizeOfIfReq), name);
        int result = Result(ioctl(socket, SIOCGIFFLAGS, request));
        return result < 0 ? result : *(short*)(request + IFNAMSIZ) & IFF_UP;
    }

    /// <summary>Takes an interface up; needs CAP_NET_ADMIN over its namespace.</summary>
    public static int SetInterfaceUp(int socket, string name)
    {
        byte* request = stackalloc byte[SizeOfIfReq];
        FillName(new Span<byte>(request, SizeOfIfReq), name);
        int result = Result(ioctl(socket, SIOCGIFFLAGS, request));
        if (result < 0)
            return result;
        *(short*)(request + IFNAMSIZ) |= IFF_UP;
        return Result(ioctl(socket, SIOCSIFFLAGS, request));
    }

    private static void FillName(Span<byte> request, string name)
    {
        request.Clear();
        // One byte stays for the closing zero.
        Encoding.UTF8.GetBytes(name.AsSpan(0, Math.Min(name.Length, IFNAMSIZ - 1)), request[..(IFNAMSIZ - 1)]);
    }
}
