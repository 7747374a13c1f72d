using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp.Ring;

namespace NsBridge.Relaying.Tcp;

/// <summary>Both directions of one connection between a client and a target.</summary>
/// <remarks>A relay takes the loop's slot of the attempt to connect, with the descriptors that are watched. Its states: <list type="table">
/// <item><term>Starting</term><description>No epoll watches the sockets: at first, and between the ring and the epoll.</description></item>
/// <item><term>OnEpoll</term><description>Both sockets are watched edge-triggered, once. <see cref="RelaySocket"/> keeps what the edges
/// reported; both directions advance by one function, called with the ends swapped (<see cref="RelayDirection"/>).</description></item>
/// <item><term>OnRing</term><description><see cref="RingRelay"/> moves small messages between TCP sockets, from
/// <see cref="TryMoveToRing"/> until <see cref="BackToEpoll"/>.</description></item>
/// <item><term>Ended</term><description>The relay is out of the loop; its group may use it again, while a socket whose peer has not
/// acknowledged everything drains as a <see cref="ClosingSocket"/>.</description></item>
/// </list> A source's FIN is passed on (shutdown(2)) after its last byte. When both directions are closed, the sockets are closed. An error
/// on either socket resets the other at once: the bytes in between are lost, as they are in a TCP connection that is reset.</remarks>
public sealed class Relay : EventSource
{
    /// <summary>The events both sockets are watched for.</summary>
    public const uint Interest = Libc.EPOLLIN | Libc.EPOLLOUT | Libc.EPOLLRDHUP | Libc.EPOLLPRI | Libc.EPOLLET;

    internal const int ClientEnd = 0;
    internal const int TargetEnd = 1;

    private enum State { Starting, OnEpoll, OnRing, Ended }

    private readonly RelayGroup _group;
    private State _state;
    private RelaySocket _client, _target;
    private RelayDirection _toTarget, _toClient;
    private RingRelay? _ring;
    private int _messagesForRing;
    private IdleTimer _idle;

    internal Relay? Next, Previous;

    internal Relay(RelayGroup group) => _group = group;

    public ConnectionOrigin Origin { get; private set; }

    /// <summary>The network namespace of the target's socket.</summary>
    public ulong Cookie { get; private set; }

    /// <summary>Its present state; null if it has ended.</summary>
    public RelayStatus? Status => _state == State.Ended ? null
        : new(Origin, _client, _toTarget, _toClient, Loop.Now - Origin.Began, Loop.Now - _idle.LastProgress);

    public long BytesToTarget => _toTarget.Bytes;

    public long BytesToClient => _toClient.Bytes;

    internal EventLoop Loop => _group.Loop;

    /// <summary>Whether it is older than <see cref="RelayGroup.KeepAliveDelayMilliseconds"/>.</summary>
    internal bool IsSettled { get; private set; }

    internal bool IsClosed => _toTarget.Closed && _toClient.Closed;

    /// <summary>Whether the client's socket is a TCP one of that network namespace.</summary>
    public bool HasClientIn(ulong cookie) => _client.Kind == SocketKind.Tcp && Libc.NetworkNamespaceCookie(_client.Descriptor) == cookie;

    internal ref RelaySocket Socket(int end) => ref end == ClientEnd ? ref _client : ref _target;

    /// <summary>The direction whose source is that end.</summary>
    internal ref RelayDirection DirectionFrom(int end) => ref end == ClientEnd ? ref _toTarget : ref _toClient;

    internal void Begin(in RelaySockets ends, in ConnectionOrigin origin, ulong cookie, ReadOnlySpan<byte> greeting)
    {
        _client.Begin(ends.Client, ends.ClientKind, ends.ClientEvents);
        _target.Begin(ends.Target, ends.TargetKind, ends.TargetEvents);
        _toTarget = _toClient = default;
        Start(origin, cookie, ends.Watched ? State.OnEpoll : State.Starting, lastByte: Loop.Now, isSettled: false);
        if (!Hold(ClientEnd, greeting))
            return;
        if (!greeting.IsEmpty)
            Advance(client: true, target: false);
        if (IsAttached && !TryMoveToRing() && (_state == State.OnEpoll || Watch()))
            Advance(client: true, target: true);
    }

    private void Start(in ConnectionOrigin origin, ulong cookie, State state, long lastByte, bool isSettled)
    {
        Origin = origin;
        Cookie = cookie;
        IsSettled = isSettled;
        _state = state;
        _idle = IdleTimer.From(lastByte);
        _messagesForRing = 0;
        StartTimer();
    }

    /// <summary>Gives away all that is known of the connection. The sockets stay open and are not this relay's any more.</summary>
    /// <returns>Null if the relay has ended, for lack of memory.</returns>
    internal RelayState? Suspend()
    {
        if (_state == State.OnRing && !LeaveRing(keepBytes: true))
            return null;
        var state = new RelayState
        {
            Client = _client.Descriptor,
            Target = _target.Descriptor,
            ClientKind = _client.Kind,
            TargetKind = _target.Kind,
            ClientFailed = _client.Failed,
            TargetFailed = _target.Failed,
            Peer = Origin.Peer,
            Cookie = Cookie,
            ConnectionId = Origin.Number,
            ToTarget = _toTarget.Save(),
            ToClient = _toClient.Save(),
            BytesToTarget = BytesToTarget,
            BytesToClient = BytesToClient,
            Settled = IsSettled,
            Idle = Loop.Now - _idle.LastProgress,
            Age = Loop.Now - Origin.Began,
            Offset = Origin.Offset,
        };
        _state = State.Ended;
        _toTarget.Discard(_group.Resources);
        _toClient.Discard(_group.Resources);
        return state;
    }

    /// <summary>Goes on with a suspended relay: watching its sockets anew reports what happened meanwhile.</summary>
    internal void Resume(RelayState state, ulong connectionId)
    {
        _client.Begin(state.Client, state.ClientKind, state.ClientFailed ? Libc.EPOLLERR : 0);
        _target.Begin(state.Target, state.TargetKind, state.TargetFailed ? Libc.EPOLLERR : 0);
        _toTarget = new() { FinReceived = state.ToTarget.FinReceived, Closed = state.ToTarget.Closed, Bytes = state.BytesToTarget };
        _toClient = new() { FinReceived = state.ToClient.FinReceived, Closed = state.ToClient.Closed, Bytes = state.BytesToClient };
        var origin = new ConnectionOrigin(state.Peer, state.Offset, connectionId, ConnectionOrigin.NextId(), Loop.Now - state.Age);
        Start(origin, state.Cookie, State.Starting, Loop.Now - state.Idle, state.Settled);
        if (Hold(ClientEnd, state.ToTarget.Pending) && Hold(TargetEnd, state.ToClient.Pending))
            Watch();
    }

    /// <summary>Watches both sockets, which reports their present state too; false if the relay has ended, for lack of memory.</summary>
    private bool Watch()
    {
        _state = State.OnEpoll;
        int watched = Loop.Watch(this, ClientEnd, _client.Descriptor, Interest);
        if (watched >= 0)
            watched = Loop.Watch(this, TargetEnd, _target.Descriptor, Interest);
        if (watched < 0)
            Abort(new RelayOutcome(EndReason.Aborted, Libc.ErrorOf(watched)));
        return watched >= 0;
    }

    /// <summary>Makes bytes the pending ones of a direction; false if the relay has ended, for lack of memory.</summary>
    private bool Hold(int source, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return true;
        nint room = DirectionFrom(source).Reserve(_group.Resources, bytes.Length);
        if (room != 0)
            NativePages.Write(room, bytes);
        else
            Abort(new RelayOutcome(EndReason.Aborted, Errno.ENOMEM));
        return room != 0;
    }

    protected internal override void OnEvents(uint events, int end)
    {
        // A late event, of before the relay moved to the ring.
        if (_state != State.OnEpoll)
            return;
        ref RelaySocket changed = ref Socket(end);
        changed.Note(events);
        if ((events & Libc.EPOLLPRI) != 0 && changed.Kind == SocketKind.UnixHalf && ResetMark.IsOn(changed.Descriptor))
        {
            DeliverThenFail(end, Errno.ECONNRESET);
            return;
        }
        bool reads = (events & ~Libc.EPOLLOUT) != 0;
        bool writes = (events & (Libc.EPOLLOUT | Libc.EPOLLERR | Libc.EPOLLHUP)) != 0;
        Advance(client: end == ClientEnd ? reads : writes, target: end == ClientEnd ? writes : reads);
    }

    protected internal override void OnResume()
    {
        if (_state == State.OnEpoll)
            Advance(client: true, target: true);
    }

    private void Advance(bool client, bool target)
    {
        if ((client && !Step(ClientEnd)) || (target && !Step(TargetEnd)))
            return;
        if (IsClosed)
            End();
        // Errors that the direction's own reads and writes cannot find: it waits for the other side, or has read the FIN.
        else if (_client.Failed && (_toTarget.Pending > 0 || _toTarget.FinReceived))
            Fail(ClientEnd, Libc.PendingError(_client.Descriptor));
        else if (_target.Failed && (_toClient.Pending > 0 || _toClient.FinReceived))
            Fail(TargetEnd, Libc.PendingError(_target.Descriptor));
        else if (_toTarget.FinReceived && RelayDirection.IsBroken(_client, _toClient))
            Fail(ClientEnd, Errno.ECONNRESET);
        else if (_toClient.FinReceived && RelayDirection.IsBroken(_target, _toTarget))
            Fail(TargetEnd, Errno.ECONNRESET);
        else if (_messagesForRing >= RingRelay.MessagesBeforeMove)
            TryMoveToRing();
    }

    /// <summary>Advances the direction from one end; false if the relay has ended.</summary>
    private bool Step(int source)
    {
        ref RelayDirection direction = ref DirectionFrom(source);
        long bytes = direction.Bytes;
        Stop stop = direction.Advance(_group.Resources, ref Socket(source), ref Socket(1 - source), DirectionFrom(1 - source));
        if (direction.Bytes != bytes || direction.LargestRead > 0)
            Count(direction.Bytes - bytes, source);
        if (direction.LargestRead >= MessageRing.MessageBytes)
            _messagesForRing = 0;
        else if (direction.LargestRead > 0 && !Loop.IsQuiet)
            _messagesForRing++;
        if (stop.Reason == StopReason.Yields)
            Loop.Yield(this);
        else if (stop.Reason == StopReason.SourceFailed)
            Fail(source, stop.Error);
        else if (stop.Reason == StopReason.SinkFailed)
            DeliverThenFail(1 - source, stop.Error);
        else if (stop.Reason == StopReason.OutOfMemory)
            Abort(new RelayOutcome(EndReason.Aborted, Errno.ENOMEM));
        return stop.Reason is StopReason.Waits or StopReason.Yields;
    }

    /// <summary>Counts bytes that were taken from that end.</summary>
    internal void Count(long bytes, int source)
    {
        _idle.LastProgress = Loop.Now;
        if (source == ClientEnd)
            _group.Counters.AddToTarget(bytes);
        else
            _group.Counters.AddToClient(bytes);
    }

    /// <summary>One end was reset: its bytes from before still go to the other one, as far as that takes them at once.</summary>
    private void DeliverThenFail(int end, Errno error)
    {
        ref RelaySocket failed = ref Socket(end);
        failed.Failed = failed.Readable = failed.ShortReadProvesNothing = true;
        if (Socket(1 - end).Failed || Step(end))
            Fail(end, error);
    }

    internal void Fail(int end, Errno error) =>
        Abort(new RelayOutcome(end == ClientEnd ? EndReason.ClientReset : EndReason.TargetReset, error));

    /// <summary>Moves the relay to the loop's ring if that serves it: two TCP sockets, and nothing pending.</summary>
    private bool TryMoveToRing()
    {
        bool isFit = _client.Kind == SocketKind.Tcp && _target.Kind == SocketKind.Tcp && !_client.Failed && !_target.Failed
            && _toTarget.Pending == 0 && _toClient.Pending == 0 && !_toTarget.FinReceived && !_toClient.FinReceived;
        if (!isFit || _group.Resources.Ring is not { } ring)
            return false;
        if (_state == State.OnEpoll)
        {
            Loop.Unwatch(_client.Descriptor);
            Loop.Unwatch(_target.Descriptor);
        }
        _state = State.OnRing;
        // The epoll reports what there is from the beginning when the relay comes back.
        _client.Readable = _target.Readable = false;
        _toTarget.ForgetReads();
        _toClient.ForgetReads();
        _ring ??= new RingRelay(this, ring);
        _ring.Begin();
        return true;
    }

    /// <summary>Called by <see cref="RingRelay"/> for whatever it does not handle.</summary>
    internal void BackToEpoll()
    {
        if (LeaveRing(keepBytes: true) && Watch())
            Advance(client: true, target: true);
    }

    private bool LeaveRing(bool keepBytes)
    {
        _state = State.Starting;
        _messagesForRing = 0;
        bool isKept = _ring!.Leave(_group.Resources, keepBytes);
        if (!isKept)
            Abort(new RelayOutcome(EndReason.Aborted, Errno.ENOMEM));
        return isKept;
    }

    /// <summary>Sets the timer: for the keep-alive delay of a young relay or the next check of the peers, and the idle timeout.</summary>
    internal void StartTimer()
    {
        long next = IsSettled ? _group.CheckInterval : RelayGroup.KeepAliveDelayMilliseconds;
        if (_group.IdleTimeout > 0)
            next = Math.Min(next, _idle.Next(Loop.Now, _group.IdleTimeout));
        if (next == long.MaxValue)
            Loop.ClearTimer(this);
        else
            Loop.SetTimer(this, next);
    }

    protected internal override void OnTimer()
    {
        if (!IsSettled)
        {
            IsSettled = true;
            _group.Settled(_target.Descriptor, _target.Kind);
        }
        if (_idle.IsCheckDue(Loop.Now, _group.IdleTimeout))
            _idle.Check(Loop.Now, _client.UnackedBytes + _target.UnackedBytes);
        if (_idle.IsIdle(Loop.Now, _group.IdleTimeout))
            Abort(new RelayOutcome(EndReason.Idle));
        else if (_group.HasVanished(_client.Descriptor))
            Fail(ClientEnd, Errno.ETIMEDOUT);
        else if (_group.HasVanished(_target.Descriptor))
            Fail(TargetEnd, Errno.ETIMEDOUT);
        else
            StartTimer();
    }

    /// <summary>Resets both sides.</summary>
    internal void Abort(RelayOutcome outcome)
    {
        if (_state == State.OnRing)
            LeaveRing(keepBytes: false);
        _client.Reset();
        _target.Reset();
        Finish(outcome);
    }

    /// <summary>Both directions are closed.</summary>
    internal void End()
    {
        if (_state == State.OnRing)
            LeaveRing(keepBytes: false);
        bool isWatched = _state == State.OnEpoll;
        ulong clientCookie = _client.Kind == SocketKind.Tcp ? Libc.NetworkNamespaceCookie(_client.Descriptor) : 0;
        _group.Close(ref _client, clientCookie, isClient: true, isWatched, _idle);
        _group.Close(ref _target, Cookie, isClient: false, isWatched, _idle);
        Finish(new RelayOutcome(EndReason.Closed));
    }

    private void Finish(RelayOutcome outcome)
    {
        _state = State.Ended;
        _toTarget.Discard(_group.Resources);
        _toClient.Discard(_group.Resources);
        _group.Remove(this, outcome);
    }
}
