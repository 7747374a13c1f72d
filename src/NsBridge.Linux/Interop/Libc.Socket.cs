using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>Sockets. All that are made or accepted here are non-blocking and close on exec.</summary>
public static unsafe partial class Libc
{
    public const int AF_UNIX = 1;
    public const int AF_INET = 2;
    public const int AF_INET6 = 10;
    public const int SOCK_STREAM = 1;
    public const int SOCK_SEQPACKET = 5;
    public const int SOCK_DGRAM = 2;
    private const int SOCK_NONBLOCK = 0x800;
    private const int SOCK_CLOEXEC = 0x80000;

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

    public const int IPPROTO_IP = 0;
    public const int IPPROTO_TCP = 6;
    public const int IPPROTO_UDP = 17;
    public const int IPPROTO_IPV6 = 41;
    public const int IPV6_V6ONLY = 26;
    public const int TCP_NODELAY = 1;
    public const int TCP_KEEPIDLE = 4;
    public const int TCP_KEEPINTVL = 5;
    public const int TCP_KEEPCNT = 6;
    public const int TCP_CONGESTION = 13;
    public const int TCP_USER_TIMEOUT = 18;

    public const int SHUT_RD = 0;
    public const int SHUT_WR = 1;
    public const int MSG_OOB = 1;
    public const int MSG_PEEK = 2;
    private const int MSG_CTRUNC = 8;
    private const int MSG_DONTWAIT = 0x40;
    private const int MSG_NOSIGNAL = 0x4000;
    internal const int SendFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
    private const int MSG_CMSG_CLOEXEC = 0x40000000;

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int bind(int descriptor, void* address, uint length);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int listen(int descriptor, int backlog);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int connect(int descriptor, void* address, uint length);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int accept4(int descriptor, void* address, uint* length, int flags);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int shutdown(int descriptor, int how);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial nint recv(int descriptor, void* buffer, nuint length, int flags);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial nint send(int descriptor, void* buffer, nuint length, int flags);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int getsockopt(int descriptor, int level, int option, void* value, uint* length);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int setsockopt(int descriptor, int level, int option, void* value, uint length);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int getsockname(int descriptor, void* address, uint* length);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int getpeername(int descriptor, void* address, uint* length);

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int socketpair(int domain, int type, int protocol, int* pair);

    /// <summary>A new socket in the calling thread's network namespace.</summary>
    public static int Socket(int domain, int type, int protocol = 0) =>
        Result(socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));

    /// <summary>Two connected UNIX sockets.</summary>
    public static int SocketPair(int type, out int first, out int second)
    {
        int* pair = stackalloc int[2];
        int result = Result(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
        (first, second) = result < 0 ? (-1, -1) : (pair[0], pair[1]);
        return result;
    }

    public static int Bind(int descriptor, in SockAddr address)
    {
        fixed (SockAddr* a = &address)
            return Result(bind(descriptor, a, (uint)address.Length));
    }

    public static int Listen(int descriptor, int backlog) => Result(listen(descriptor, backlog));

    /// <summary>Begins a connection; -EINPROGRESS where it is not there at once.</summary>
    public static int Connect(int descriptor, in SockAddr address)
    {
        fixed (SockAddr* a = &address)
        {
            int result;
            do
                result = Result(connect(descriptor, a, (uint)address.Length));
            while (result == -(int)Errno.EINTR);
            return result;
        }
    }

    /// <summary>Takes a waiting connection and its peer's address.</summary>
    public static int Accept(int listener, out SockAddr peer)
    {
        Unsafe.SkipInit(out peer);
        fixed (SockAddr* a = &peer)
        {
            int result;
            uint length;
            do
            {
                length = SockAddr.Capacity;
                result = Result(accept4(listener, a, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
            }
            while (result == -(int)Errno.EINTR);
            peer.Length = result < 0 ? 0 : (int)Math.Min(length, SockAddr.Capacity);
            return result;
        }
    }

    public static int Shutdown(int descriptor, int how) => Result(shutdown(descriptor, how));

    /// <summary>Reads what is there into native memory: bytes, 0 at the end, or a negated error.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint Receive(int descriptor, nint buffer, int length, int flags = 0)
    {
        nint result;
        do
            result = Result(recv(descriptor, (void*)buffer, (nuint)length, flags | MSG_DONTWAIT));
        while (result == -(nint)(int)Errno.EINTR);
        return result;
    }

    /// <summary>Writes from native memory: the bytes taken, or a negated error. Never raises SIGPIPE.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint Send(int descriptor, nint buffer, int length, int flags = 0)
    {
        nint result;
        do
            result = Result(send(descriptor, (void*)buffer, (nuint)length, flags | SendFlags));
        while (result == -(nint)(int)Errno.EINTR);
        return result;
    }

    /// <inheritdoc cref="Receive(int, nint, int, int)"/>
    public static nint Receive(int descriptor, Span<byte> buffer, int flags = 0)
    {
        fixed (byte* p = buffer)
            return Receive(descriptor, (nint)p, buffer.Length, flags);
    }

    /// <inheritdoc cref="Send(int, nint, int, int)"/>
    public static nint Send(int descriptor, ReadOnlySpan<byte> buffer, int flags = 0)
    {
        fixed (byte* p = buffer)
            return Send(descriptor, (nint)p, buffer.Length, flags);
    }

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

    /// <summary>The address a socket is bound to.</summary>
    public static int LocalAddress(int descriptor, out SockAddr address)
    {
        Unsafe.SkipInit(out address);
        uint length = SockAddr.Capacity;
        fixed (SockAddr* a = &address)
        {
            int result = Result(getsockname(descriptor, a, &length));
            address.Length = result < 0 ? 0 : (int)Math.Min(length, SockAddr.Capacity);
            return result;
        }
    }

    /// <summary>The address of the peer of a connected socket.</summary>
    public static int PeerAddress(int descriptor, out SockAddr address)
    {
        Unsafe.SkipInit(out address);
        uint length = SockAddr.Capacity;
        fixed (SockAddr* a = &address)
        {
            int result = Result(getpeername(descriptor, a, &length));
            address.Length = result < 0 ? 0 : (int)Math.Min(length, SockAddr.Capacity);
            return result;
        }
    }
}
