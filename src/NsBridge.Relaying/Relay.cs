using NsBridge.Linux.Interop;

namespace NsBridge.Relaying;

/// <summary>Both directions of one connection between a client and a target.</summary>
/// <remarks>
/// Theory of operation. Both sockets are watched edge-triggered for everything, once, when the connection begins; from then on no
/// epoll_ctl(2) is needed. What the edges said is kept in <see cref="RelayEnd"/>, and after each event both directions are advanced as
/// far as they go by one function that is called with the ends swapped.
/// <para>
/// A direction reads into the loop's scratch block and writes at once. What the sink does not take moves to a block of the direction's own,
/// and nothing more is read until it is gone: a slow reader slows its writer, and costs one block. A read that does not fill its
/// buffer has emptied the socket unless the end has come too, which spares the read that would say so (a quarter of all calls).
/// </para>
/// <para>
/// The source's end is passed on (shutdown(2)) after its last byte. When both directions are over the sockets are closed. An error
/// on either socket resets the other at once: the bytes in between are lost, as they are in a TCP connection that is reset.
/// </para>
/// <para>A direction that has moved <see cref="Turn"/> bytes gives way to the loop's other sources.</para>
/// </remarks>
public sealed class Relay : EventSource
{
    /// <summary>What both sockets have to be watched for.</summary>
    public const uint Interest = Libc.EPOLLIN | Libc.EPOLLOUT | Libc.EPOLLRDHUP | Libc.EPOLLPRI | Libc.EPOLLET;

    /// <summary>Bytes a direction may move before others have their turn.</summary>
    private const int Turn = 4 * BlockPool.Largest;

    private readonly RelayGroup _group;
    private RelayEnd _client;
    private RelayEnd _target;
    private RelayFlow _toTarget;
    private RelayFlow _toClient;
    private long _lastByte;
    private bool _settled;

    internal Relay? Next;
    internal Relay? Previous;

    internal Relay(RelayGroup group) => _group = group;

    /// <summary>Who the client is.</summary>
    public PeerAddress Peer { get; private set; }

    /// <summary>The network namespace of the target's socket.</summary>
    public ulong Cookie { get; private set; }

    /// <summary>Whether the client is a TCP one whose socket belongs to that network namespace.</summary>
    public bool HasClientIn(ulong cookie) => _client.Kind == EndKind.Tcp && Libc.NetworkNamespaceCookie(_client.Descriptor) == cookie;

    /// <summary>What the owner knows the connection by.</summary>
    public ulong Number { get; private set; }

    /// <summary>Bytes that the target's socket has taken.</summary>
    public long BytesToTarget { get; private set; }

    /// <summary>Bytes that the client's socket has taken.</summary>
    public long BytesToClient { get; private set; }

    internal void Begin(in RelayEnds ends, PeerAddress peer, ulong cookie, ulong number, ReadOnlySpan<byte> greeting)
    {
        Peer = peer;
        Cookie = cookie;
        Number = number;
        BytesToTarget = BytesToClient = 0;
        _client.Begin(ends.Client, ends.ClientKind, ends.ClientEvents);
        _target.Begin(ends.Target, ends.TargetKind, ends.TargetEvents);
        _toTarget = default;
        _toClient = default;
        _lastByte = _group.Loop.Now;
        StartSettling();
        if (!greeting.IsEmpty && !Hold(ref _toTarget, greeting))
            return;
        Advance(client: true, target: true);
    }

    /// <summary>Gives everything away that is known of the connection. The sockets stay open, and are not this relay's any more.</summary>
    internal RelayState Suspend()
    {
        var state = new RelayState
        {
            Client = _client.Descriptor,
            Target = _target.Descriptor,
            ClientKind = _client.Kind,
            TargetKind = _target.Kind,
            ClientFailed = _client.Failed,
            TargetFailed = _target.Failed,
            Peer = Peer,
            Cookie = Cookie,
            Number = Number,
            ToTarget = _toTarget.Save(),
            ToClient = _toClient.Save(),
            BytesToTarget = BytesToTarget,
            BytesToClient = BytesToClient,
            Settled = _settled,
            Idle = _group.Loop.Now - _lastByte,
        };
        ReturnBlock(ref _toTarget);
        ReturnBlock(ref _toClient);
        return state;
    }

    /// <summary>Goes on with a suspended relay: watches its sockets anew, which tells what happened on them meanwhile.</summary>
    internal void Resume(RelayState state, ulong number)
    {
        Peer = state.Peer;
        Cookie = state.Cookie;
        Number = number;
        BytesToTarget = state.BytesToTarget;
        BytesToClient = state.BytesToClient;
        _client.Begin(state.Client, state.ClientKind, state.ClientFailed ? Libc.EPOLLERR : 0);
        _target.Begin(state.Target, state.TargetKind, state.TargetFailed ? Libc.EPOLLERR : 0);
        _toTarget = new RelayFlow { Ended = state.ToTarget.Ended, Closed = state.ToTarget.Closed };
        _toClient = new RelayFlow { Ended = state.ToClient.Ended, Closed = state.ToClient.Closed };
        _lastByte = _group.Loop.Now - state.Idle;
        _settled = state.Settled;
        if (_settled)
            RestartIdleTimer();
        else
            StartSettling();
        if ((state.ToTarget.Pending.Length > 0 && !Hold(ref _toTarget, state.ToTarget.Pending))
            || (state.ToClient.Pending.Length > 0 && !Hold(ref _toClient, state.ToClient.Pending)))
        {
            return;
        }
        int watched = _group.Loop.Watch(this, 0, state.Client, Interest);
        if (watched >= 0)
            watched = _group.Loop.Watch(this, 1, state.Target, Interest);
        if (watched < 0)
            Abort(new RelayOutcome(RelayEnding.Aborted, Libc.ErrorOf(watched)));
    }

    private void StartSettling()
    {
        _settled = false;
        _group.Loop.SetTimer(this, _group.IdleTimeout > 0 ? Math.Min(_group.IdleTimeout, RelayGroup.SettleMilliseconds) : RelayGroup.SettleMilliseconds);
    }

    private bool Hold(ref RelayFlow flow, ReadOnlySpan<byte> bytes)
    {
        flow.Block = _group.Loop.Blocks.Rent(bytes.Length);
        if (flow.Block.IsNone)
        {
            Abort(new RelayOutcome(RelayEnding.Aborted, Errno.ENOMEM));
            return false;
        }
        NativePages.Write(flow.Block.Address, bytes);
        flow.Pending = bytes.Length;
        return true;
    }

    protected internal override void OnEvents(uint events, int end)
    {
        ref RelayEnd changed = ref end == 0 ? ref _client : ref _target;
        changed.Note(events);
        if ((events & Libc.EPOLLPRI) != 0 && changed.Kind == EndKind.UnixHalf && ResetMark.IsOn(changed.Descriptor))
        {
            Abort(new RelayOutcome(end == 0 ? RelayEnding.ClientReset : RelayEnding.TargetReset, Errno.ECONNRESET));
            return;
        }
        bool reads = (events & ~Libc.EPOLLOUT) != 0;
        bool writes = (events & (Libc.EPOLLOUT | Libc.EPOLLERR | Libc.EPOLLHUP)) != 0;
        Advance(client: end == 0 ? reads : writes, target: end == 0 ? writes : reads);
    }

    protected internal override void OnAgain() => Advance(client: true, target: true);

    /// <summary>Moves what can be moved.</summary>
    /// <param name="client">From the client to the target.</param>
    /// <param name="target">From the target to the client.</param>
    private void Advance(bool client, bool target)
    {
        if (client && !Advance(ref _client, ref _target, ref _toTarget, towardsTarget: true))
            return;
        if (target && !Advance(ref _target, ref _client, ref _toClient, towardsTarget: false))
            return;
        if (_toTarget.Closed && _toClient.Closed)
        {
            End();
            return;
        }
        // An error that the direction's own reads and writes cannot come upon: it waits for the other side, or has read its end.
        if (_client.Failed && (_toTarget.Pending > 0 || _toTarget.Ended))
            Abort(new RelayOutcome(RelayEnding.ClientReset, Libc.PendingError(_client.Descriptor)));
        else if (_target.Failed && (_toClient.Pending > 0 || _toClient.Ended))
            Abort(new RelayOutcome(RelayEnding.TargetReset, Libc.PendingError(_target.Descriptor)));
    }

    /// <returns>False where the relay has ended.</returns>
    private bool Advance(ref RelayEnd source, ref RelayEnd sink, ref RelayFlow flow, bool towardsTarget)
    {
        EventLoop loop = _group.Loop;
        int turn = Turn;
        while (!flow.Closed)
        {
            if (flow.Pending > 0)
            {
                if (!sink.Writable)
                    return true;
                nint taken = Libc.Send(sink.Descriptor, flow.Block.Address + flow.Offset, flow.Pending);
                if (taken < 0)
                {
                    if (!WouldBlock(taken))
                        return Fail(taken, atClient: !towardsTarget);
                    taken = 0;
                }
                Count(taken, towardsTarget);
                flow.Offset += (int)taken;
                flow.Pending -= (int)taken;
                if (flow.Pending > 0)
                {
                    sink.Writable = false;
                    return true;
                }
                ReturnBlock(ref flow);
            }
            if (flow.Ended)
            {
                flow.Closed = true;
                // Where the other direction is over too, the close that follows says the same.
                if (!_toTarget.Closed || !_toClient.Closed)
                    Libc.Shutdown(sink.Descriptor, Libc.SHUT_WR);
                return true;
            }
            if (!source.Readable)
                return true;
            if (turn <= 0)
            {
                loop.Again(this);
                return true;
            }
            Block scratch = loop.Scratch;
            nint read = source.Receive(scratch);
            if (read <= 0)
            {
                source.Readable = false;
                if (read == 0)
                {
                    flow.Ended = true;
                    continue;
                }
                if (WouldBlock(read))
                    return true;
                return Fail(read, atClient: towardsTarget);
            }
            turn -= (int)read;
            if (read < scratch.Size && !source.ShortReadProvesNothing)
                source.Readable = false;
            nint sent = 0;
            if (sink.Writable)
            {
                sent = Libc.Send(sink.Descriptor, scratch.Address, (int)read);
                if (sent < 0)
                {
                    if (!WouldBlock(sent))
                        return Fail(sent, atClient: !towardsTarget);
                    sent = 0;
                }
                Count(sent, towardsTarget);
            }
            if (sent < read)
            {
                sink.Writable = false;
                return Keep(ref flow, scratch, (int)sent, (int)(read - sent));
            }
        }
        return true;
    }

    /// <summary>Keeps the bytes of the scratch block that the sink did not take.</summary>
    private bool Keep(ref RelayFlow flow, Block scratch, int offset, int length)
    {
        BlockPool blocks = _group.Loop.Blocks;
        // A large rest stays where it is and the loop gets a new scratch block; a small one is copied to a block of its size.
        Block block = blocks.Rent(length > scratch.Size / 4 ? scratch.Size : length);
        if (block.IsNone)
        {
            Abort(new RelayOutcome(RelayEnding.Aborted, Errno.ENOMEM));
            return false;
        }
        if (block.Size == scratch.Size)
        {
            _group.Loop.Scratch = block;
            flow.Block = scratch;
            flow.Offset = offset;
        }
        else
        {
            NativePages.Copy(scratch.Address + offset, block.Address, length);
            flow.Block = block;
            flow.Offset = 0;
        }
        flow.Pending = length;
        return true;
    }

    private void Count(nint bytes, bool towardsTarget)
    {
        _lastByte = _group.Loop.Now;
        if (towardsTarget)
        {
            BytesToTarget += bytes;
            _group.Counters.AddToTarget(bytes);
        }
        else
        {
            BytesToClient += bytes;
            _group.Counters.AddToClient(bytes);
        }
    }

    private static bool WouldBlock(nint result) => result == -(nint)(int)Errno.EAGAIN;

    private bool Fail(nint result, bool atClient)
    {
        Abort(new RelayOutcome(atClient ? RelayEnding.ClientReset : RelayEnding.TargetReset, Libc.ErrorOf(result)));
        return false;
    }

    private void ReturnBlock(ref RelayFlow flow)
    {
        if (!flow.Block.IsNone)
            _group.Loop.Blocks.Return(flow.Block);
        flow.Block = default;
        flow.Offset = flow.Pending = 0;
    }

    internal void RestartIdleTimer()
    {
        if (!_settled)
            return;
        if (_group.IdleTimeout > 0)
            _group.Loop.SetTimer(this, _lastByte + _group.IdleTimeout - _group.Loop.Now);
        else
            _group.Loop.ClearTimer(this);
    }

    // Bytes do not touch the timer: it looks, when it runs out, how long ago the last one was.
    protected internal override void OnTimer()
    {
        if (!_settled)
        {
            _settled = true;
            _group.Settled(_target.Descriptor, _target.Kind);
        }
        if (_group.IdleTimeout > 0 && _group.Loop.Now - _lastByte >= _group.IdleTimeout)
            Abort(new RelayOutcome(RelayEnding.Idle));
        else
            RestartIdleTimer();
    }

    /// <summary>Resets both sides.</summary>
    internal void Abort(RelayOutcome outcome)
    {
        _client.Reset();
        _target.Reset();
        Finish(outcome);
    }

    private void End()
    {
        _client.Close();
        _target.Close();
        Finish(new RelayOutcome(RelayEnding.Closed));
    }

    private void Finish(RelayOutcome outcome)
    {
        ReturnBlock(ref _toTarget);
        ReturnBlock(ref _toClient);
        _group.Remove(this, outcome);
    }
}
