using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>A socket that was open before this program began, as a service manager hands it over.</summary>
public static class InheritedSocket
{
    /// <summary>First descriptor a copy may get: standard input, output and error are never taken.</summary>
    private const int LowestCopy = 3;

    /// <summary>Becomes the owner of a descriptor by its number, and keeps it from programs started later.</summary>
    /// <exception cref="IOException">The descriptor is not open.</exception>
    public static SafeFileHandle Adopt(int descriptor)
    {
        if (Libc.fcntl(descriptor, Libc.F_SETFD, Libc.FD_CLOEXEC) < 0)
            throw Failure(descriptor, "keep from other programs");
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Another descriptor of the same socket, closed on exec and not blocking, with an owner of its own.</summary>
    /// <exception cref="IOException">There is no descriptor left (EMFILE).</exception>
    public static SafeFileHandle Duplicate(SafeFileHandle socket)
    {
        var added = false;
        try
        {
            socket.DangerousAddRef(ref added);
            var descriptor = (int)socket.DangerousGetHandle();
            var copy = Libc.fcntl(descriptor, Libc.F_DUPFD_CLOEXEC, LowestCopy);
            if (copy < 0)
                throw Failure(descriptor, "duplicate");

            var owner = new SafeFileHandle(copy, ownsHandle: true);
            // Belongs to the socket, not to the descriptor, so the manager's copy changes too: it never reads from it.
            var flags = Libc.fcntl(copy, Libc.F_GETFL, 0);
            if (flags < 0 || Libc.fcntl(copy, Libc.F_SETFL, flags | Libc.O_NONBLOCK) < 0)
            {
                var failure = Failure(descriptor, "set to non-blocking");
                owner.Dispose();
                throw failure;
            }

            return owner;
        }
        finally
        {
            if (added)
                socket.DangerousRelease();
        }
    }

    private static IOException Failure(int descriptor, string what)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"Cannot {what} the inherited descriptor {descriptor}: {Marshal.GetPInvokeErrorMessage(error)}", new Win32Exception(error));
    }
}
