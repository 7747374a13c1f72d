using System.Collections.Concurrent;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Datagrams;

namespace NsBridge.Relaying;

/// <summary>
/// A thread that waits for events of many descriptors and calls their sources. Sources belong to one loop for life and share
/// nothing with other loops; other threads reach them by <see cref="Post"/> alone.
/// </summary>
/// <remarks>
/// The thread is the loop's own, so it may enter network namespaces (see <see cref="Linux.NetworkNamespace"/>). An exception that
/// reaches the loop is a defect, and ends the process: a relay in an unknown state must not go on.
/// </remarks>
public sealed class EventLoop : IDisposable
{
    private const int EventsPerWait = 256;
    private const int InitialSlots = 64;
    private const ulong WakeData = ulong.MaxValue;

    private readonly int _epoll;
    private readonly int _wake;
    private readonly EpollEvents _events = new(EventsPerWait);
    private readonly EventWait _wait;
    private readonly ConcurrentQueue<Action> _mailbox = new();
    private readonly TimerWheel _timers;
    private readonly Thread _thread;
    private Queue<EventSource> _again = new();
    private Queue<EventSource> _againNow = new();
    private EventSource?[] _slots = new EventSource?[InitialSlots];
    private uint[] _generations = new uint[InitialSlots];
    private readonly Stack<int> _free = new();
    private int _slotsUsed;
    private DatagramGear? _datagrams;
    private int _disposed;
    private int _woken;
    private int _load;
    private bool _stopping;

    /// <param name="index">The loop's number, from 0 on.</param>
    /// <exception cref="InvalidOperationException">The kernel gives no epoll or event descriptor.</exception>
    public EventLoop(int index)
    {
        Index = index;
        _epoll = Required(Libc.EpollCreate(), "epoll");
        _wake = Required(Libc.EventFd(), "eventfd");
        _wait = new EventWait(_epoll, _events);
        Required(Libc.EpollControl(_epoll, Libc.EPOLL_CTL_ADD, _wake, Libc.EPOLLIN, WakeData), "epoll_ctl");
        Now = Environment.TickCount64;
        _timers = new TimerWheel(Now);
        Scratch = Blocks.Rent(BlockPool.Largest);
        _thread = new Thread(Run, 256 * 1024) { Name = $"loop-{index}", IsBackground = true };
        _thread.Start();
    }

    public int Index { get; }

    /// <summary>Milliseconds since boot, as of the last wait.</summary>
    public long Now { get; private set; }

    /// <summary>How many relays run here; any thread may ask.</summary>
    public int Load => Volatile.Read(ref _load);

    internal BlockPool Blocks { get; } = new();

    internal PipePool Pipes { get; } = new();

    /// <summary>Where every read goes first; a relay whose peer does not take all keeps what is left.</summary>
    internal Block Scratch { get; set; }

    /// <summary>What the loop's datagram flows share. On the loop's thread.</summary>
    internal DatagramGear Datagrams => _datagrams ??= new DatagramGear();

    /// <summary>Whether the caller is on the loop's thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    internal void AddLoad(int change)
    {
        Volatile.Write(ref _load, _load + change);
        if (_load == 0)
            Pipes.Empty();
    }

    /// <summary>Runs <paramref name="action"/> on the loop's thread, in the order of posting. Any thread may call.</summary>
    public void Post(Action action)
    {
        _mailbox.Enqueue(action);
        if (Interlocked.Exchange(ref _woken, 1) == 0)
            Libc.Write(_wake, [1, 0, 0, 0, 0, 0, 0, 0]);
    }

    /// <summary>As <see cref="Post"/>; the task ends when the action has run.</summary>
    public Task InvokeAsync(Action action) => InvokeAsync(() =>
    {
        action();
        return true;
    });

    /// <summary>As <see cref="Post"/>; the task ends with what the function gives.</summary>
    public Task<T> InvokeAsync<T>(Func<T> function)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                done.SetResult(function());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    /// <summary>Gives the source a place in the loop; its descriptors may then be watched.</summary>
    public void Attach(EventSource source)
    {
        if (!_free.TryPop(out int slot))
        {
            slot = _slotsUsed++;
            if (slot == _slots.Length)
            {
                Array.Resize(ref _slots, slot * 2);
                Array.Resize(ref _generations, slot * 2);
            }
        }
        _slots[slot] = source;
        source.Slot = slot;
    }

    /// <summary>Takes the source out: no event, timer or turn reaches it any more. Its descriptors are the caller's to close.</summary>
    public void Detach(EventSource source)
    {
        _timers.Clear(source);
        int slot = source.Slot;
        if (slot == EventSource.NoSlot)
            return;
        source.Slot = EventSource.NoSlot;
        _slots[slot] = null;
        // Events of this slot that epoll has already returned carry the old generation.
        _generations[slot]++;
        _free.Push(slot);
    }

    /// <summary>Puts another source in the place of one, with the descriptors it watches.</summary>
    public void Replace(EventSource source, EventSource by)
    {
        _timers.Clear(source);
        by.Slot = source.Slot;
        source.Slot = EventSource.NoSlot;
        _slots[by.Slot] = by;
    }

    /// <summary>Watches a descriptor of an attached source.</summary>
    /// <param name="source">Its owner.</param>
    /// <param name="end">0 or 1: comes back with its events.</param>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="events">EPOLL… bits.</param>
    /// <returns>0, or a negated error (ENOMEM or ENOSPC).</returns>
    public int Watch(EventSource source, int end, int descriptor, uint events) =>
        Libc.EpollControl(_epoll, Libc.EPOLL_CTL_ADD, descriptor, events, Data(source, end));

    /// <summary>Changes the events a watched descriptor is watched for.</summary>
    public int Rewatch(EventSource source, int end, int descriptor, uint events) =>
        Libc.EpollControl(_epoll, Libc.EPOLL_CTL_MOD, descriptor, events, Data(source, end));

    /// <summary>Ends the watching of a descriptor that stays open.</summary>
    public void Unwatch(int descriptor) => Libc.EpollControl(_epoll, Libc.EPOLL_CTL_DEL, descriptor, 0, 0);

    private ulong Data(EventSource source, int end) =>
        (ulong)_generations[source.Slot] << 32 | (uint)(source.Slot << 1 | end);

    /// <summary>Sets the source's one timer, in milliseconds from now; setting again replaces it.</summary>
    public void SetTimer(EventSource source, long milliseconds) => _timers.Set(source, Now + milliseconds);

    public void ClearTimer(EventSource source) => _timers.Clear(source);

    /// <summary>Asks for <see cref="EventSource.OnAgain"/> after the other sources had their turn.</summary>
    public void Again(EventSource source)
    {
        if (source.IsQueued)
            return;
        source.IsQueued = true;
        _again.Enqueue(source);
    }

    private void Run()
    {
        while (!_stopping)
        {
            int timeout = _again.Count > 0 || !_mailbox.IsEmpty ? 0 : _timers.Wait(Now);
            int count = Required(_wait.For(timeout), "epoll_wait");
            Now = Environment.TickCount64;
            for (int i = 0; i < count; i++)
                Dispatch(_events.Events(i), _events.Data(i));
            RunAgain();
            _timers.Advance(Now);
            RunMailbox();
        }
    }

    private void Dispatch(uint events, ulong data)
    {
        if (data == WakeData)
        {
            Span<byte> counter = stackalloc byte[8];
            Libc.Read(_wake, counter);
            // Here and nowhere else, and before the mailbox is emptied: whoever posts from now on writes again, and what was posted before
            // without a write is found.
            Interlocked.Exchange(ref _woken, 0);
            return;
        }
        int slot = (int)((uint)data >> 1);
        if (_generations[slot] == (uint)(data >> 32))
            _slots[slot]?.OnEvents(events, (int)(data & 1));
    }

    private void RunAgain()
    {
        if (_again.Count == 0)
            return;
        (_again, _againNow) = (_againNow, _again);
        while (_againNow.TryDequeue(out EventSource? source))
        {
            source.IsQueued = false;
            if (source.Slot != EventSource.NoSlot)
                source.OnAgain();
        }
    }

    private void RunMailbox()
    {
        while (_mailbox.TryDequeue(out Action? action))
            action();
    }

    private static int Required(int result, string call) => result >= 0
        ? result
        : throw new InvalidOperationException($"{call} failed: {Libc.ErrorOf(result)}");

    /// <summary>Ends the thread; what is still attached is not called again. Again does nothing: a container disposes by each of a service's names.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
            return;
        Post(() => _stopping = true);
        if (!IsCurrent)
            _thread.Join();
        Libc.Close(_wake);
        Libc.Close(_epoll);
        Blocks.Return(Scratch);
        Blocks.Dispose();
        Pipes.Empty();
        _datagrams?.Dispose();
        _events.Dispose();
    }
}
