using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>Options of sockets: what is asked of one, and what one tells of itself and its peer.</summary>
public static unsafe partial class Libc
{
    public const int SOL_SOCKET = 1;
    public const int SO_REUSEADDR = 2;
    public const int SO_TYPE = 3;
    public const int SO_ERROR = 4;
    public const int SO_KEEPALIVE = 9;
    private const int SO_LINGER = 13;
    private const int SO_PEERCRED = 17;
    public const int SO_ACCEPTCONN = 30;
    public const int SO_PROTOCOL = 38;
    public const int SO_DOMAIN = 39;
    private const int SO_COOKIE = 57;
    private const int SO_NETNS_COOKIE = 71;

    public const int IPV6_V6ONLY = 26;
    public const int TCP_NODELAY = 1;
    public const int TCP_KEEPIDLE = 4;
    public const int TCP_KEEPINTVL = 5;
    public const int TCP_KEEPCNT = 6;
    public const int TCP_CONGESTION = 13;
    public const int TCP_USER_TIMEOUT = 18;

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int getsockopt(int descriptor, int level, int option, void* value, uint* length);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int setsockopt(int descriptor, int level, int option, void* value, uint length);

    public static int SetOption(int descriptor, int level, int option, int value) =>
        Result(setsockopt(descriptor, level, option, &value, sizeof(int)));

    /// <summary>Chooses the congestion control of a TCP socket, and of what it accepts, by its name.</summary>
    public static int SetCongestionControl(int descriptor, ReadOnlySpan<byte> name)
    {
        fixed (byte* n = name)
            return Result(setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, n, (uint)name.Length));
    }

    public static int GetOption(int descriptor, int level, int option, out int value)
    {
        int read = 0;
        uint length = sizeof(int);
        int result = Result(getsockopt(descriptor, level, option, &read, &length));
        value = read;
        return result;
    }

    /// <summary>The error that waits on a socket, which is thereby taken from it.</summary>
    public static Errno PendingError(int descriptor)
    {
        int result = GetOption(descriptor, SOL_SOCKET, SO_ERROR, out int error);
        return (Errno)(result < 0 ? -result : error);
    }

    /// <summary>
    /// The number of the network namespace a socket belongs to; never used again for another while the machine runs
    /// (SO_NETNS_COOKIE, Linux 5.14). 0 where the kernel does not tell.
    /// </summary>
    public static ulong NetworkNamespaceCookie(int descriptor)
    {
        ulong cookie = 0;
        uint length = sizeof(ulong);
        return getsockopt(descriptor, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) == 0 ? cookie : 0;
    }

    /// <summary>The number of a socket; never used again for another while the machine runs. 0 where the kernel does not tell.</summary>
    public static ulong SocketCookie(int descriptor)
    {
        ulong cookie = 0;
        uint length = sizeof(ulong);
        return getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0 ? cookie : 0;
    }

    /// <summary>Who opened the other end of a UNIX socket, as seen from the caller's user namespace.</summary>
    public static int PeerCredentials(int descriptor, out int process, out uint user)
    {
        int* credentials = stackalloc int[3];
        uint length = 3 * sizeof(int);
        int result = Result(getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, credentials, &length));
        (process, user) = result < 0 ? (0, uint.MaxValue) : (credentials[0], (uint)credentials[1]);
        return result;
    }

    /// <summary>Closes a socket so that a TCP peer sees a reset at once, and nothing of it stays behind in the kernel.</summary>
    public static void CloseWithReset(int descriptor)
    {
        if (descriptor < 0)
            return;
        ResetAtClose(descriptor, true);
        _ = close(descriptor);
    }

    /// <summary>Whether a TCP socket's peer is to see a reset when the socket is closed for the last time, whoever closes it: a process or the kernel.</summary>
    public static void ResetAtClose(int descriptor, bool isWanted)
    {
        int* linger = stackalloc int[2] { isWanted ? 1 : 0, 0 };
        _ = setsockopt(descriptor, SOL_SOCKET, SO_LINGER, linger, 2 * sizeof(int));
    }
}
