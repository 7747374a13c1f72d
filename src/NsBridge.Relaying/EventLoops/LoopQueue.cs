using System.Collections.Concurrent;
using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.EventLoops;

/// <summary>What other threads want done on a loop's thread. Its descriptor is readable where something came since the loop last looked.</summary>
internal sealed class LoopQueue : IDisposable
{
    private readonly ConcurrentQueue<Action> _actions = new();
    private int _woken;

    /// <exception cref="InvalidOperationException">The kernel gives no event descriptor.</exception>
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

    /// <summary>The loop is awake, and will call <see cref="Run"/> before it sleeps.</summary>
    internal void NoteAwake()
    {
        Span<byte> counter = stackalloc byte[8];
        Libc.Read(Descriptor, counter);
        // Here and nowhere else, and before the actions are run: whoever posts from now on writes again, and what was posted before
        // without a write is found.
        Interlocked.Exchange(ref _woken, 0);
    }

    internal void Run()
    {
        while (_actions.TryDequeue(out Action? action))
            action();
    }

    public void Dispose() => Libc.Close(Descriptor);
}
