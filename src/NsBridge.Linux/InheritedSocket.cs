using System.ComponentModel;
using System.Globalization;
using System.Net;
using Microsoft.Win32.SafeHandles;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>A socket that a service manager handed over at the start.</summary>
public static class InheritedSocket
{
    /// <summary>First descriptor a copy may get: standard input, output and error are never taken.</summary>
    private const int LowestCopy = 3;

    /// <summary>Becomes the owner of a descriptor, and sets close-on-exec.</summary>
    /// <exception cref="IOException">The descriptor is not open.</exception>
    public static SafeFileHandle Adopt(int descriptor)
    {
        Succeeded(Libc.SetCloseOnExec(descriptor), descriptor, "keep from other programs");
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>A second descriptor of the socket, close-on-exec and non-blocking, with its own owner.</summary>
    /// <exception cref="IOException">There is no descriptor left (EMFILE).</exception>
    public static SafeFileHandle Duplicate(SafeFileHandle socket)
    {
        bool added = false;
        try
        {
            socket.DangerousAddRef(ref added);
            int descriptor = (int)socket.DangerousGetHandle();
            // A flag of the socket, not of the descriptor, so the manager's copy changes too; the manager never reads from it.
            Succeeded(Libc.SetNonBlocking(descriptor), descriptor, "set to non-blocking");
            int copy = Succeeded(Libc.Duplicate(descriptor, LowestCopy), descriptor, "duplicate");
            return new SafeFileHandle(copy, ownsHandle: true);
        }
        finally
        {
            if (added)
                socket.DangerousRelease();
        }
    }

    /// <summary>Its address: <c>127.0.0.1:80</c>, <c>*:80</c> (every address), <c>[::1]:80</c>, <c>unix:/path</c>.</summary>
    public static string Describe(SafeFileHandle socket)
    {
        int descriptor = (int)socket.DangerousGetHandle();
        if (Libc.LocalAddress(descriptor, out SockAddr address) < 0)
            return "no socket";
        bool isForBoth = address.ToEndPoint() is { } at && at.Address.Equals(IPAddress.IPv6Any)
            && Libc.GetOption(descriptor, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, out int only) >= 0 && only == 0;
        return isForBoth ? string.Create(CultureInfo.InvariantCulture, $"*:{address.Port}") : address.ToString();
    }

    private static int Succeeded(int result, int descriptor, string what)
    {
        if (result >= 0)
            return result;
        Errno error = Libc.ErrorOf(result);
        throw new IOException($"Cannot {what} the inherited descriptor {descriptor}: {error}", new Win32Exception((int)error));
    }
}
