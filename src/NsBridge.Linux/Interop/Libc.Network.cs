using System.Runtime.InteropServices;
using System.Text;

namespace NsBridge.Linux.Interop;

/// <summary>Network interfaces.</summary>
public static unsafe partial class Libc
{
    private const nuint SIOCGIFINDEX = 0x8933;
    private const int InterfaceNameCapacity = 16;
    private const int InterfaceRequestSize = 40;

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int ioctl(int descriptor, nuint request, void* argument);

    /// <summary>The index of a network interface in a socket's own namespace; a negated error (ENODEV) where it has none of that name.</summary>
    public static int InterfaceIndex(int socket, string name)
    {
        byte* request = stackalloc byte[InterfaceRequestSize];
        new Span<byte>(request, InterfaceRequestSize).Clear();
        Encoding.UTF8.GetBytes(name, new Span<byte>(request, InterfaceNameCapacity - 1));
        int result = Result(ioctl(socket, SIOCGIFINDEX, request));
        return result < 0 ? result : *(int*)(request + InterfaceNameCapacity);
    }
}
