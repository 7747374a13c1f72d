using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>Waits for a change of this process's mounts, a call of <see cref="Wake"/>, or a timeout. Named network namespaces appear,
/// vanish and are replaced by mounts, so this sees all three, at any path, and needs no directory to exist.</summary>
public sealed class MountWatch : IDisposable
{
    private const ulong WakeData = 1;

    private readonly int _epoll;
    private readonly int _mounts;
    private readonly int _wake;
    private readonly EpollEvents _events = new(2);

    /// <exception cref="InvalidOperationException">/proc/self/mountinfo cannot be watched.</exception>
    public MountWatch()
    {
        _epoll = Libc.EpollCreate();
        _wake = Libc.EventFd();
        _mounts = Libc.Open("/proc/self/mountinfo\0"u8, Libc.O_RDONLY);
        if (_epoll < 0 || _wake < 0 || _mounts < 0
            || Libc.EpollControl(_epoll, Libc.EPOLL_CTL_ADD, _wake, Libc.EPOLLIN, WakeData) < 0
            || Libc.EpollControl(_epoll, Libc.EPOLL_CTL_ADD, _mounts, Libc.EPOLLPRI, 0) < 0)
        {
            throw new InvalidOperationException("cannot watch /proc/self/mountinfo");
        }
    }

    /// <summary>Ends a wait, now or the next one. Any thread may call.</summary>
    public void Wake() => Libc.Write(_wake, [1, 0, 0, 0, 0, 0, 0, 0]);

    /// <summary>Waits at most <paramref name="timeout"/> milliseconds.</summary>
    public void Wait(int timeout)
    {
        Span<byte> counter = stackalloc byte[8];
        int count = Libc.EpollWait(_epoll, _events, timeout);
        for (int i = 0; i < count; i++)
        {
            if (_events.Data(i) == WakeData)
                Libc.Read(_wake, counter);
        }
    }

    public void Dispose()
    {
        Libc.Close(_mounts);
        Libc.Close(_wake);
        Libc.Close(_epoll);
        _events.Dispose();
    }
}
