using System.Collections.Concurrent;
using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.EventLoops;

/// <summary>Actions posted to a loop. The descriptor is readable if one came since <see cref="OnWake"/>.</summary>
internal sealed class LoopQueue : IDisposable
{
    private readonly ConcurrentQueue<Action> _actions = new();
    private int _woken;

    /// <exception cref="InvalidOperationException">The kernel returns no event descriptor.</exception>
    internal LoopQueue()
    {
        Descriptor = Libc.EventFd();
        if (Descriptor < 0)
            throw new InvalidOperationException($"eventfd failed: {Libc.ErrorOf(Descriptor)}");
    }

    internal int Descriptor { get; }

    internal bool IsEmpty => _actions.IsEmpty;

    /// <summary>Any thread may call.</summary>
    internal void Post(Action action)
    {
        _actions.Enqueue(action);
        if (Interlocked.Exchange(ref _woken, 1) == 0)
            Libc.Write(Descriptor, [1, 0, 0, 0, 0, 0, 0, 0]);
    }

    /// <summary>The loop is awake and calls <see cref="Run"/> before it sleeps.</summary>
    internal void OnWake()
    {
        Span<byte> counter = stackalloc byte[8];
        Libc.Read(Descriptor, counter);
        // Only here, and before the actions run: a later post writes again, and an earlier one without a write is found by Run.
        Interlocked.Exchange(ref _woken, 0);
    }

    internal void Run()
    {
        while (_actions.TryDequeue(out Action? action))
            action();
    }

    public void Dispose() => Libc.Close(Descriptor);
}
