using System.Runtime.InteropServices;

namespace NsBridge.Linux.Interop;

/// <summary>epoll(7) and eventfd(2).</summary>
public static unsafe partial class Libc
{
    public const uint EPOLLIN = 0x001;
    public const uint EPOLLPRI = 0x002;
    public const uint EPOLLOUT = 0x004;
    public const uint EPOLLERR = 0x008;
    public const uint EPOLLHUP = 0x010;
    public const uint EPOLLRDHUP = 0x2000;
    public const uint EPOLLET = 1u << 31;

    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const int EPOLL_CTL_MOD = 3;
    private const int EPOLL_CLOEXEC = 0x80000;
    private const int EFD_CLOEXEC = 0x80000;
    private const int EFD_NONBLOCK = 0x800;

    [LibraryImport(Library), SuppressGCTransition]
    private static partial int epoll_create1(int flags);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int epoll_ctl(int epoll, int operation, int descriptor, byte* change);
    [LibraryImport(Library, SetLastError = true)]
    private static partial int epoll_wait(int epoll, byte* events, int capacity, int timeout);
    [LibraryImport(Library, EntryPoint = "epoll_wait"), SuppressGCTransition]
    private static partial int epoll_poll(int epoll, byte* events, int capacity, int timeout);
    [LibraryImport(Library), SuppressGCTransition]
    private static partial int eventfd(uint initial, int flags);

    public static int EpollCreate() => Result(epoll_create1(EPOLL_CLOEXEC));

    /// <summary>Adds, changes or removes the interest in a descriptor.</summary>
    /// <param name="epoll">The epoll descriptor.</param>
    /// <param name="operation">EPOLL_CTL_ADD, EPOLL_CTL_MOD or EPOLL_CTL_DEL.</param>
    /// <param name="descriptor">The descriptor of interest.</param>
    /// <param name="events">EPOLL… bits.</param>
    /// <param name="data">Comes back with each event.</param>
    public static int EpollControl(int epoll, int operation, int descriptor, uint events, ulong data)
    {
        byte* change = stackalloc byte[EpollEvents.Stride];
        EpollEvents.Write(change, events, data);
        return Result(epoll_ctl(epoll, operation, descriptor, change));
    }

    /// <summary>Waits for events, at most <paramref name="timeout"/> milliseconds (-1: for ever).</summary>
    /// <returns>How many events <paramref name="events"/> holds now; 0 also if a signal came first.</returns>
    public static int EpollWait(int epoll, EpollEvents events, int timeout)
    {
        int count, error;
        if (timeout == 0)
        {
            count = epoll_poll(epoll, events.Memory, events.Capacity, 0);
            error = count < 0 ? LastError : 0;
        }
        else
        {
            count = epoll_wait(epoll, events.Memory, events.Capacity, timeout);
            error = count < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        return error == 0 ? count : error == (int)Errno.EINTR ? 0 : -error;
    }

    /// <summary>A non-blocking eventfd counter.</summary>
    public static int EventFd() => Result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}
