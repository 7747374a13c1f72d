using NsBridge.Linux.Interop;

namespace NsBridge.Benchmarks.Load;

/// <summary>Level-triggered epoll over sockets that each have a state of type <typeparamref name="T"/>.</summary>
internal sealed class EventSet<T> : IDisposable
    where T : class
{
    private readonly int _epoll = Libc.EpollCreate();
    private readonly EpollEvents _events = new(256);
    private readonly List<(T State, uint Events)> _ready = [];
    private T?[] _states = new T?[1024];

    internal void Add(int descriptor, T state, uint events)
    {
        while (descriptor >= _states.Length)
            Array.Resize(ref _states, 2 * _states.Length);
        _states[descriptor] = state;
        Libc.EpollControl(_epoll, Libc.EPOLL_CTL_ADD, descriptor, events, (ulong)descriptor);
    }

    internal void Change(int descriptor, uint events) =>
        Libc.EpollControl(_epoll, Libc.EPOLL_CTL_MOD, descriptor, events, (ulong)descriptor);

    /// <summary>Closes a socket, which ends its watching.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="reset">By a reset, which leaves no TIME_WAIT behind.</param>
    internal void Close(int descriptor, bool reset = false)
    {
        _states[descriptor] = null;
        if (reset)
            Libc.CloseWithReset(descriptor);
        else
            Libc.Close(descriptor);
    }

    /// <summary>Resets all sockets that are left.</summary>
    internal void CloseAll()
    {
        for (int descriptor = 0; descriptor < _states.Length; descriptor++)
        {
            if (_states[descriptor] is not null)
                Close(descriptor, reset: true);
        }
    }

    /// <summary>Waits at most <paramref name="milliseconds"/>; what it returns is overwritten by the next call.</summary>
    internal List<(T State, uint Events)> Wait(int milliseconds)
    {
        _ready.Clear();
        int count = Libc.EpollWait(_epoll, _events, milliseconds);
        for (int i = 0; i < count; i++)
        {
            if (_states[(int)_events.Data(i)] is { } state)
                _ready.Add((state, _events.Events(i)));
        }
        return _ready;
    }

    public void Dispose()
    {
        CloseAll();
        Libc.Close(_epoll);
        _events.Dispose();
    }
}
