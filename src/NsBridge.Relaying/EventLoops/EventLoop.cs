using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.EventLoops;

/// <summary>What the sources of one loop share, such as memory. Found by <see cref="EventLoop.Resource"/>.</summary>
public interface ILoopResource : IDisposable
{
    /// <summary>The loop's load is 0: nothing borrows from the resource now.</summary>
    void OnIdle();
}

/// <summary>A thread that waits for events of many descriptors and calls their sources. A source belongs to one loop for life and shares
/// nothing with other loops. Other threads reach a source by <see cref="Post"/> alone.</summary>
/// <remarks>The thread is the loop's own, so it may enter network namespaces (see <see cref="Linux.NetworkNamespace"/>). An exception that
/// reaches the loop is a defect and ends the process: a source in an unknown state must not go on.</remarks>
public sealed class EventLoop : IDisposable
{
    private const ulong WakeKey = ulong.MaxValue;

    private readonly EpollQueue _epoll = new();
    private readonly BusyPoll _poll;
    private readonly SourceTable _sources = new();
    private readonly LoopQueue _actions = new();
    private readonly TimerWheel _timers;
    private readonly Thread _thread;
    private Queue<EventSource> _yielded = new();
    private Queue<EventSource> _resumed = new();
    private ILoopResource[] _resources = [];
    private IOuterQueue? _outer;
    private int _epollEvents;
    private int _disposed;
    private int _load;
    private bool _stopping;

    /// <param name="index">The loop's index, from 0 on.</param>
    /// <param name="mayPoll">Whether the loop may poll for events before it sleeps, if that pays.</param>
    /// <exception cref="InvalidOperationException">The kernel returns no epoll or event descriptor.</exception>
    public EventLoop(int index, bool mayPoll = true)
    {
        Index = index;
        _poll = new BusyPoll(mayPoll);
        Required(_epoll.Add(_actions.Descriptor, Libc.EPOLLIN, WakeKey), "epoll_ctl");
        Now = Environment.TickCount64;
        _timers = new TimerWheel(Now);
        _thread = new Thread(Run, 256 * 1024) { Name = $"loop-{index}", IsBackground = true };
        _thread.Start();
    }

    public int Index { get; }

    /// <summary>Milliseconds since boot, as of the last wait.</summary>
    public long Now { get; private set; }

    /// <summary>How many relays and flows run here; any thread may read it.</summary>
    public int Load => Volatile.Read(ref _load);

    /// <summary>Whether the caller is on the loop's thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>At most so many events of one wait are quiet.</summary>
    internal int QuietEvents { get; set; } = 2;

    /// <summary>Whether the last wait found so few events that no other one shared the price of its call.</summary>
    internal bool IsQuiet { get; private set; }

    /// <summary>The loop's epoll, for an outer queue that watches it.</summary>
    internal int EpollDescriptor => _epoll.Descriptor;

    /// <summary>The loop's one <typeparamref name="T"/>, made at its first use. Any thread may call.</summary>
    internal T Resource<T>(Func<T> make)
        where T : class, ILoopResource
    {
        lock (_actions)
        {
            foreach (ILoopResource resource in _resources)
            {
                if (resource is T found)
                    return found;
            }
            T made = make();
            _resources = [.. _resources, made];
            return made;
        }
    }

    /// <summary>Waits on a queue that reports the loop's epoll too; null for the epoll alone, which costs a call less.</summary>
    internal void WaitOn(IOuterQueue? queue) => _outer = queue;

    /// <summary>Changes <see cref="Load"/>. On the loop's thread.</summary>
    internal void AddLoad(int change)
    {
        Volatile.Write(ref _load, _load + change);
        if (_load > 0)
            return;
        foreach (ILoopResource resource in _resources)
            resource.OnIdle();
    }

    /// <summary>Runs <paramref name="action"/> on the loop's thread, in the order of posting. Any thread may call.</summary>
    public void Post(Action action) => _actions.Post(action);

    /// <summary>As <see cref="Post"/>; the task ends when the action has run.</summary>
    public Task InvokeAsync(Action action) => InvokeAsync(() =>
    {
        action();
        return true;
    });

    /// <summary>As <see cref="Post"/>; the task ends with the function's result.</summary>
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

    /// <summary>Gives the source a slot in the loop; its descriptors may then be watched.</summary>
    public void Attach(EventSource source) => _sources.Add(source);

    /// <summary>Removes the source: no event, timer or turn reaches it any more. Its descriptors are the caller's to close.</summary>
    public void Detach(EventSource source)
    {
        _timers.Clear(source);
        _sources.Remove(source);
    }

    /// <summary>Puts another source into the slot of one, with the descriptors that are watched.</summary>
    public void Replace(EventSource source, EventSource by)
    {
        _timers.Clear(source);
        _sources.Replace(source, by);
    }

    /// <summary>Watches a descriptor of an attached source.</summary>
    /// <param name="source">The descriptor's owner.</param>
    /// <param name="end">0 or 1; comes back with the events.</param>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="events">EPOLL… bits.</param>
    /// <returns>0, or a negated error (ENOMEM or ENOSPC).</returns>
    public int Watch(EventSource source, int end, int descriptor, uint events) =>
        _epoll.Add(descriptor, events, _sources.Key(source) | (uint)end);

    /// <summary>Changes the events a watched descriptor is watched for.</summary>
    public int Rewatch(EventSource source, int end, int descriptor, uint events) =>
        _epoll.Change(descriptor, events, _sources.Key(source) | (uint)end);

    /// <summary>Ends the watching of a descriptor that stays open.</summary>
    public void Unwatch(int descriptor) => _epoll.Remove(descriptor);

    /// <summary>Sets the source's one timer, in milliseconds from now; setting it again replaces it.</summary>
    public void SetTimer(EventSource source, long milliseconds) => _timers.Set(source, Now + milliseconds);

    public void ClearTimer(EventSource source) => _timers.Clear(source);

    /// <summary>Lets the other sources go first; <see cref="EventSource.OnResume"/> follows.</summary>
    public void Yield(EventSource source)
    {
        if (source.IsQueued)
            return;
        source.IsQueued = true;
        _yielded.Enqueue(source);
    }

    private void Run()
    {
        while (!_stopping)
        {
            // An epoll event costs one more call on an outer queue, so the loop waits there only while that has work.
            IOuterQueue? outer = _outer;
            bool isBusy = _yielded.Count > 0 || !_actions.IsEmpty || outer is { HasUnsubmitted: true };
            int timeout = isBusy ? 0 : _timers.Wait(Now);
            int count = Required(_poll.Wait(outer is null ? _epoll : outer, timeout), "wait");
            Now = Environment.TickCount64;
            if (outer is null)
            {
                DispatchEpoll(count);
            }
            else
            {
                // The epoll counts as one event there, so the number of the turn before stands for what is on it.
                IsQuiet = count <= QuietEvents && _epollEvents <= QuietEvents;
                _poll.Count(outer.Dispatch(count, out bool isEpollReady));
                _epollEvents = 0;
                if (isEpollReady)
                    DispatchEpoll(Required(_epoll.Wait(0), "epoll_wait"), IsQuiet);
            }
            Resume();
            _timers.Advance(Now);
            _actions.Run();
        }
    }

    private void DispatchEpoll(int count, bool isQuiet = true)
    {
        _epollEvents = count;
        IsQuiet = isQuiet && count <= QuietEvents;
        _poll.Count(count);
        for (int i = 0; i < count; i++)
        {
            ulong key = _epoll.Key(i);
            if (key == WakeKey)
                _actions.OnWake();
            else
                _sources.Find(key)?.OnEvents(_epoll.Events(i), (int)(key & 1));
        }
    }

    private void Resume()
    {
        if (_yielded.Count == 0)
            return;
        (_yielded, _resumed) = (_resumed, _yielded);
        while (_resumed.TryDequeue(out EventSource? source))
        {
            source.IsQueued = false;
            if (source.Slot != EventSource.NoSlot)
                source.OnResume();
        }
    }

    private static int Required(int result, string call) => result >= 0
        ? result
        : throw new InvalidOperationException($"{call} failed: {Libc.ErrorOf(result)}");

    /// <summary>Ends the thread. Does nothing the second time: a container disposes once per service name.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
            return;
        Post(() => _stopping = true);
        if (!IsCurrent)
            _thread.Join();
        _actions.Dispose();
        _epoll.Dispose();
        foreach (ILoopResource resource in _resources)
            resource.Dispose();
    }
}
