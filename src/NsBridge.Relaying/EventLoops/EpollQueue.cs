using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.EventLoops;

/// <summary>Where the kernel leaves events.</summary>
internal interface IEventQueue
{
    /// <summary>Waits at most <paramref name="milliseconds"/> (-1: without limit).</summary>
    /// <returns>How many events there are, or a negated error.</returns>
    int Wait(int milliseconds);
}

/// <summary>A queue of other events that watches a loop's epoll as well.</summary>
internal interface IOuterQueue : IEventQueue
{
    /// <summary>Whether the next wait has something to submit first.</summary>
    bool HasUnsubmitted { get; }

    /// <summary>Calls the owners of the events of the last wait.</summary>
    /// <param name="count">How many events it has returned.</param>
    /// <param name="isEpollReady">Whether one of them is the epoll's, which the loop empties then.</param>
    /// <returns>How many events brought data.</returns>
    int Dispatch(int count, out bool isEpollReady);
}

/// <summary>An epoll(7): which descriptors can be read or written now.</summary>
internal sealed class EpollQueue : IEventQueue, IDisposable
{
    private const int EventsPerWait = 256;

    private readonly EpollEvents _events = new(EventsPerWait);

    /// <exception cref="InvalidOperationException">The kernel returns no epoll descriptor.</exception>
    internal EpollQueue()
    {
        Descriptor = Libc.EpollCreate();
        if (Descriptor < 0)
            throw new InvalidOperationException($"epoll failed: {Libc.ErrorOf(Descriptor)}");
    }

    /// <summary>Readable while an event is pending.</summary>
    internal int Descriptor { get; }

    public int Wait(int milliseconds) => Libc.EpollWait(Descriptor, _events, milliseconds);

    /// <summary>The EPOLL… bits of an event of the last wait.</summary>
    internal uint Events(int index) => _events.Events(index);

    /// <summary>The key that the event's descriptor is watched with.</summary>
    internal ulong Key(int index) => _events.Data(index);

    /// <returns>0, or a negated error (ENOMEM or ENOSPC).</returns>
    internal int Add(int descriptor, uint events, ulong key) =>
        Libc.EpollControl(Descriptor, Libc.EPOLL_CTL_ADD, descriptor, events, key);

    internal int Change(int descriptor, uint events, ulong key) =>
        Libc.EpollControl(Descriptor, Libc.EPOLL_CTL_MOD, descriptor, events, key);

    internal void Remove(int descriptor) => Libc.EpollControl(Descriptor, Libc.EPOLL_CTL_DEL, descriptor, 0, 0);

    public void Dispose()
    {
        Libc.Close(Descriptor);
        _events.Dispose();
    }
}
