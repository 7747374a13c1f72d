using NsBridge.Linux.Interop;
using NsBridge.Relaying.Tcp;
using NsBridge.Relaying.Udp;

namespace NsBridge.Relaying.EventLoops;

/// <summary>
/// A thread that waits for events of many descriptors and calls their sources. Sources belong to one loop for life and share
/// nothing with other loops; other threads reach them by <see cref="Post"/> alone.
/// </summary>
/// <remarks>
/// The thread is the loop's own, so it may enter network namespaces (see <see cref="Linux.NetworkNamespace"/>). An exception that
/// reaches the loop is a defect, and ends the process: a relay in an unknown state must not go on.
/// </remarks>
public sealed partial class EventLoop : IDisposable
{
    private const ulong WakeNumber = ulong.MaxValue;

    private readonly EpollQueue _readiness = new();
    private readonly bool _mayRing;
    private readonly EventWait _wait = new();
    private readonly SourceTable _sources = new();
    private readonly LoopQueue _mailbox = new();
    private readonly TimerWheel _timers;
    private readonly Thread _thread;
    private Queue<EventSource> _again = new();
    private Queue<EventSource> _againNow = new();
    private MessageRing? _messages;
    private bool _ringAsked;
    private int _readyBehindRing;
    private UdpBuffers? _datagrams;
    private int _disposed;
    private int _load;
    private bool _stopping;

    /// <param name="index">The loop's number, from 0 on.</param>
    /// <param name="mayRing">Whether small messages may go by io_uring(7), where the kernel allows it.</param>
    /// <exception cref="InvalidOperationException">The kernel gives no epoll or event descriptor.</exception>
    public EventLoop(int index, bool mayRing = true)
    {
        Index = index;
        _mayRing = mayRing;
        Required(_readiness.Add(_mailbox.Descriptor, Libc.EPOLLIN, WakeNumber), "epoll_ctl");
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

    /// <summary>The most descriptors that the pipes of all loops take.</summary>
    public static int MostPipeDescriptors => 2 * PipePool.Limit;

    /// <summary>Where every read goes first; a relay whose peer does not take all keeps what is left.</summary>
    internal Block Scratch { get; set; }

    /// <summary>Passes small messages; null where it may not or cannot. On the loop's thread, whose own it is.</summary>
    internal MessageRing? Messages
    {
        get
        {
            if (!_ringAsked && _mayRing)
                _messages = MessageRing.TryCreate(_readiness.Descriptor);
            _ringAsked = true;
            return _messages;
        }
    }

    /// <summary>So few events at a time are a calm.</summary>
    internal int CalmEvents { get; init; } = 2;

    /// <summary>Whether the last wait found so little that there was nobody to share the price of a call with.</summary>
    internal bool IsQuiet { get; private set; }

    /// <summary>Whether small messages go by io_uring(7) here. On the loop's thread.</summary>
    public bool HasRing => Messages is not null;

    /// <summary>What the loop's datagram flows share. On the loop's thread.</summary>
    internal UdpBuffers Datagrams => _datagrams ??= new UdpBuffers();

    /// <summary>Gets the loop ready for datagram listeners. On the loop's thread.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory for what their flows share.</exception>
    public void PrepareDatagrams() => _ = Datagrams;

    /// <summary>Whether the caller is on the loop's thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    internal void AddLoad(int change)
    {
        Volatile.Write(ref _load, _load + change);
        if (_load > 0)
            return;
        // Nobody is left who could borrow one. Where blocks were kept long reads were made too, which have touched all of the scratch block.
        Pipes.Empty();
        if (Blocks.Empty())
            NativePages.Discard(Scratch.Address, Scratch.Size);
    }

    /// <summary>Runs <paramref name="action"/> on the loop's thread, in the order of posting. Any thread may call.</summary>
    public void Post(Action action) => _mailbox.Post(action);

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
    public void Attach(EventSource source) => _sources.Add(source);

    /// <summary>Takes the source out: no event, timer or turn reaches it any more. Its descriptors are the caller's to close.</summary>
    public void Detach(EventSource source)
    {
        _timers.Clear(source);
        _sources.Remove(source);
    }

    /// <summary>Puts another source in the place of one, with the descriptors it watches.</summary>
    public void Replace(EventSource source, EventSource by)
    {
        _timers.Clear(source);
        _sources.Replace(source, by);
    }

    /// <summary>Watches a descriptor of an attached source.</summary>
    /// <param name="source">Its owner.</param>
    /// <param name="end">0 or 1: comes back with its events.</param>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="events">EPOLL… bits.</param>
    /// <returns>0, or a negated error (ENOMEM or ENOSPC).</returns>
    public int Watch(EventSource source, int end, int descriptor, uint events) => _readiness.Add(descriptor, events, Number(source) | (uint)end);

    /// <summary>Changes the events a watched descriptor is watched for.</summary>
    public int Rewatch(EventSource source, int end, int descriptor, uint events) => _readiness.Change(descriptor, events, Number(source) | (uint)end);

    /// <summary>Ends the watching of a descriptor that stays open.</summary>
    public void Unwatch(int descriptor) => _readiness.Remove(descriptor);

    /// <summary>What the kernel knows an attached source by; the three lowest bits are for the source's own use.</summary>
    internal ulong Number(EventSource source) => _sources.Number(source);

    /// <summary>Sets the source's one timer, in milliseconds from now; setting again replaces it.</summary>
    public void SetTimer(EventSource source, long milliseconds) => _timers.Set(source, Now + milliseconds);

    public void ClearTimer(EventSource source) => _timers.Clear(source);

    /// <summary>Asks for <see cref="EventSource.OnResume"/> after the other sources had their turn.</summary>
    public void Again(EventSource source)
    {
        if (source.IsQueued)
            return;
        source.IsQueued = true;
        _again.Enqueue(source);
    }

    /// <summary>Ends the thread; what is still attached is not called again. Again does nothing: a container disposes by each of a service's names.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
            return;
        Post(() => _stopping = true);
        if (!IsCurrent)
            _thread.Join();
        _mailbox.Dispose();
        _readiness.Dispose();
        _messages?.Dispose();
        Blocks.Return(Scratch);
        Blocks.Dispose();
        Pipes.Empty();
        _datagrams?.Dispose();
    }
}
