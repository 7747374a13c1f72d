using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.EventLoops;

/// <summary>An epoll(7): which descriptors can be read or written now.</summary>
internal sealed class EpollQueue : IEventQueue, IDisposable
{
    private const int EventsPerWait = 256;

    private readonly EpollEvents _events = new(EventsPerWait);

    /// <exception cref="InvalidOperationException">The kernel gives no epoll descriptor.</exception>
    internal EpollQueue()
    {
        Descriptor = Libc.EpollCreate();
        if (Descriptor < 0)
            throw new InvalidOperationException($"epoll failed: {Libc.ErrorOf(Descriptor)}");
    }

    /// <summary>Readable while an event waits.</summary>
    internal int Descriptor { get; }

    public int Wait(int milliseconds) => Libc.EpollWait(Descriptor, _events, milliseconds);

    /// <summary>The EPOLL… bits of an event of the last wait.</summary>
    internal uint Events(int index) => _events.Events(index);

    /// <summary>What that event's descriptor is watched with.</summary>
    internal ulong Data(int index) => _events.Data(index);

    /// <returns>0, or a negated error (ENOMEM or ENOSPC).</returns>
    internal int Add(int descriptor, uint events, ulong data) => Libc.EpollControl(Descriptor, Libc.EPOLL_CTL_ADD, descriptor, events, data);

    internal int Change(int descriptor, uint events, ulong data) => Libc.EpollControl(Descriptor, Libc.EPOLL_CTL_MOD, descriptor, events, data);

    internal void Remove(int descriptor) => Libc.EpollControl(Descriptor, Libc.EPOLL_CTL_DEL, descriptor, 0, 0);

    public void Dispose()
    {
        Libc.Close(Descriptor);
        _events.Dispose();
    }
}
