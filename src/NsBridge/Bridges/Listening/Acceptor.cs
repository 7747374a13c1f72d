using NsBridge.Bridges.Admission;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Bridges.Listening;

/// <summary>A listening socket on an event loop. Accepts in batches and decides what an error means: again, pause, or go on.</summary>
internal abstract class Acceptor : EventSource
{
    /// <summary>Connections taken at one event, so that a flood of clients leaves turns to the relays.</summary>
    public const int Batch = 64;

    private const int ShortestPause = 50;
    private const int LongestPause = 1000;

    private readonly DescriptorBudget _descriptors;
    private int _listener;
    private int _pause = ShortestPause;
    private bool _paused;

    /// <param name="loop">The loop it lives on.</param>
    /// <param name="listener">A listening socket, owned from here on.</param>
    /// <param name="descriptors">Told of shortages.</param>
    protected Acceptor(EventLoop loop, int listener, DescriptorBudget descriptors)
    {
        Loop = loop;
        _listener = listener;
        _descriptors = descriptors;
    }

    /// <summary>The listening socket.</summary>
    public int Listener => _listener;

    protected EventLoop Loop { get; }

    /// <summary>Whether another connection may be accepted.</summary>
    protected virtual bool HasRoom => _descriptors.HasRoom;

    /// <summary>Begins to accept. On the loop.</summary>
    /// <exception cref="BridgeSetupException">The kernel cannot watch it; it has to be stopped or released all the same.</exception>
    public void Start()
    {
        Loop.Attach(this);
        int result = Loop.Watch(this, 0, _listener, Libc.EPOLLIN);
        if (result < 0)
            throw new BridgeSetupException(WatchFault.Reason("a listener", Libc.ErrorOf(result)));
    }

    /// <summary>A connection was accepted; it belongs to the callee.</summary>
    protected abstract void OnAccepted(int descriptor, in SockAddr peer);

    /// <summary>All that waited were accepted.</summary>
    protected virtual void OnBatchEnd()
    {
    }

    protected override void OnEvents(uint events, int end)
    {
        bool paused = false;
        int most = Waiting;
        for (int i = 0; i < most && !paused; i++)
        {
            if (!HasRoom)
            {
                _descriptors.Press(Errno.EMFILE);
                paused = true;
                break;
            }
            int descriptor = Libc.Accept(_listener, out SockAddr peer);
            if (descriptor < 0)
            {
                if (descriptor == -(int)Errno.EAGAIN)
                    break;
                paused = ShouldPause(Libc.ErrorOf(descriptor));
                continue;
            }
            OnAccepted(descriptor, peer);
            _descriptors.Relax();
            _pause = ShortestPause;
        }
        OnBatchEnd();
        if (paused)
            Pause();
    }

    /// <summary>
    /// How many to accept now: asked for, because accept(2) makes a socket and a file before it finds that nobody is left. Where that is not told it is how
    /// the end is found, and one is tried in any case: the event says that there is one.
    /// </summary>
    private int Waiting => Libc.AcceptQueueLength(_listener) is >= 0 and int waiting ? Math.Clamp(waiting, 1, Batch) : Batch;

    /// <summary>
    /// The tiers of accept(2)'s errors: without descriptors or memory nothing can be accepted for a while; everything else belongs to the one
    /// connection that was waiting (ECONNABORTED, EPROTO, EPERM by a filter, the network errors of its own), and the next may be well.
    /// </summary>
    private bool ShouldPause(Errno error)
    {
        if (error is not (Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM))
            return error is Errno.EBADF or Errno.EINVAL or Errno.ENOTSOCK;
        _descriptors.Press(error);
        return true;
    }

    /// <summary>Stops accepting for a while, longer each time: the connections that wait stay in the kernel's backlog.</summary>
    protected void Pause()
    {
        if (!_paused)
            Loop.Rewatch(this, 0, _listener, 0);
        _paused = true;
        Loop.SetTimer(this, _pause);
        _pause = Math.Min(_pause * 2, LongestPause);
    }

    protected override void OnTimer()
    {
        if (!_paused)
            return;
        _paused = false;
        Loop.Rewatch(this, 0, _listener, Libc.EPOLLIN);
    }

    /// <summary>Accepts those who wait already. On the loop.</summary>
    public void AcceptWaiting() => OnEvents(Libc.EPOLLIN, 0);

    /// <summary>Ends accepting and closes the socket. On the loop; again does nothing.</summary>
    public void Stop() => Libc.Close(Release());

    /// <summary>Ends accepting and gives the socket away: clients queue up in its backlog until somebody accepts. On the loop.</summary>
    /// <returns>The socket, the caller's from here on; -1 where it was stopped before.</returns>
    public int Release()
    {
        int listener = _listener;
        if (listener < 0)
            return listener;
        // Said to epoll, not left to the close: the socket stays open elsewhere.
        Loop.Unwatch(listener);
        Loop.Detach(this);
        _listener = -1;
        return listener;
    }
}
