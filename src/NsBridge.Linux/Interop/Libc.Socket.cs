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

    public const int IPPROTO_IP = 0;
    public const int IPPROTO_TCP = 6;
    public const int IPPROTO_UDP = 17;
    public const int IPPROTO_IPV6 = 41;

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

    /// <summary>Starts a connection; -EINPROGRESS if it is not complete at once.</summary>
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

    /// <summary>Accepts a connection, with its peer's address.</summary>
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

    /// <summary>Reads into native memory: bytes, 0 at the end, or a negated error.</summary>
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

    /// <summary>The address a socket is bound to.</summary>
    public static int LocalAddress(int descriptor, out SockAddr address) => AddressOf(descriptor, ofPeer: false, out address);

    /// <summary>The address of the peer of a connected socket.</summary>
    public static int PeerAddress(int descriptor, out SockAddr address) => AddressOf(descriptor, ofPeer: true, out address);

    private static int AddressOf(int descriptor, bool ofPeer, out SockAddr address)
    {
        Unsafe.SkipInit(out address);
        uint length = SockAddr.Capacity;
        fixed (SockAddr* a = &address)
        {
            int result = Result(ofPeer ? getpeername(descriptor, a, &length) : getsockname(descriptor, a, &length));
            address.Length = result < 0 ? 0 : (int)Math.Min(length, SockAddr.Capacity);
            return result;
        }
    }

    [LibraryImport(Library), SuppressGCTransition]
    private static partial nint inet_ntop(int family, void* address, void* text, uint size);

    /// <summary>Writes an internet address as text, as IPAddress does but without an object.</summary>
    /// <param name="address">4 or 16 bytes.</param>
    /// <param name="to">Room for 46 bytes.</param>
    /// <returns>How many bytes were written.</returns>
    public static int WriteAddress(ReadOnlySpan<byte> address, Span<byte> to)
    {
        fixed (byte* a = address, t = to)
            _ = inet_ntop(address.Length == 4 ? AF_INET : AF_INET6, a, t, (uint)to.Length);
        return to.IndexOf((byte)0);
    }
}
