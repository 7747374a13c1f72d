using NsBridge.Bridges.Admission;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Bridges.Listening;

/// <summary>A listening socket on an event loop. Accepts in batches and decides for each error whether to go on or to pause.</summary>
internal abstract class Acceptor(EventLoop loop, int listener, DescriptorBudget descriptors) : EventSource
{
    /// <summary>Connections accepted at one event, so that a flood of clients leaves turns to the relays.</summary>
    public const int Batch = 64;

    private const int ShortestPause = 50;
    private const int LongestPause = 1000;

    private int _listener = listener;
    private int _pause = ShortestPause;
    private bool _paused;

    /// <summary>The listening socket.</summary>
    public int Listener => _listener;

    protected EventLoop Loop => loop;

    /// <summary>Whether another connection may be accepted.</summary>
    protected abstract bool HasRoom { get; }

    /// <summary>Begins to accept. On the loop.</summary>
    /// <exception cref="BridgeSetupException">The kernel cannot watch it; it has to be stopped or released all the same.</exception>
    public void Start()
    {
        Loop.Attach(this);
        int result = Loop.Watch(this, 0, _listener, Libc.EPOLLIN);
        if (result < 0)
            throw new BridgeSetupException(StateReason.Unwatched("a listener", Libc.ErrorOf(result)));
    }

    /// <summary>A connection was accepted; its descriptor belongs to the callee.</summary>
    protected abstract void OnAccepted(int descriptor, in SockAddr peer);

    /// <summary>The batch has ended.</summary>
    protected virtual void OnBatchEnd()
    {
    }

    protected override void OnEvents(uint events, int end)
    {
        bool paused = false;
        int most = QueueLength;
        for (int i = 0; i < most && !paused; i++)
        {
            if (!HasRoom)
            {
                descriptors.OnExhausted(Errno.EMFILE);
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
            descriptors.OnRecovered();
            _pause = ShortestPause;
        }
        OnBatchEnd();
        if (paused)
            Pause();
    }

    /// <summary>How many to accept now. Asked first, because accept(2) makes a socket and a file before it finds an empty queue. If the
    /// length is unknown, EAGAIN ends the batch. One is tried in any case: the event announces one.</summary>
    private int QueueLength => Libc.AcceptQueueLength(_listener) is >= 0 and int waiting ? Math.Clamp(waiting, 1, Batch) : Batch;

    /// <summary>The kinds of accept(2)'s errors: without descriptors or memory nothing can be accepted for a while; every other error
    /// belongs to the one connection in the queue (ECONNABORTED, EPROTO, EPERM by a filter, its network errors), and the next may be
    /// accepted.</summary>
    private bool ShouldPause(Errno error)
    {
        if (error is not (Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM))
            return error is Errno.EBADF or Errno.EINVAL or Errno.ENOTSOCK;
        descriptors.OnExhausted(error);
        return true;
    }

    /// <summary>Stops accepting for a while, longer each time: connections wait in the kernel's backlog.</summary>
    private void Pause()
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

    /// <summary>Accepts the connections in the backlog. On the loop.</summary>
    public void AcceptWaiting() => OnEvents(Libc.EPOLLIN, 0);

    /// <summary>Stops accepting and closes the socket. On the loop; repeated calls do nothing.</summary>
    public void Stop() => Libc.Close(Release());

    /// <summary>Stops accepting and gives the socket away: clients queue in its backlog until a process accepts. On the loop.</summary>
    /// <returns>The socket, the caller's from here on; -1 if it was stopped before.</returns>
    public int Release()
    {
        int listener = _listener;
        if (listener < 0)
            return listener;
        // Removed from epoll, not left to the close: the socket stays open elsewhere.
        Loop.Unwatch(listener);
        Loop.Detach(this);
        _listener = -1;
        return listener;
    }
}
