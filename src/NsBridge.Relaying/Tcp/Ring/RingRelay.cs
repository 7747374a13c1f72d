using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Tcp.Ring;

/// <summary>Moves the small messages of one relay between two TCP sockets by way of the loop's ring. Everything but a message that is
/// taken at once and a FIN takes the relay back to the epoll.</summary>
/// <remarks>Per end: receiving, or over (a FIN, an error, or no buffer left). Per direction: idle, or sending the first of its buffers.
/// <para>The ring is worth its price only if many messages come at a time. A message that comes alone wakes the loop while its sender
/// still holds the socket, which the ring reads at once and so waits for; a loop that is woken by its epoll reads it a moment later
/// (measured: 5 of the 40 µs that a message takes). So a relay whose messages come alone, or that is silent, leaves.</para></remarks>
internal sealed class RingRelay : RingSource
{
    /// <summary>After so many small messages that would have been cheaper the other way, the relay changes to it.</summary>
    internal const int MessagesBeforeMove = 64;

    /// <summary>Kernels before those of 2026 may not report a reset that comes right after the last bytes: both wake the request before
    /// its owner runs, which receives the bytes and waits for more. So both sockets are checked after so many milliseconds with
    /// bytes.</summary>
    private const int CheckMilliseconds = 1000;

    /// <summary>A direction whose FIN came is not received from any more, so the ring does not see a reset that follows. An exchange that
    /// goes on for so many milliseconds after one FIN goes back to the epoll, which does.</summary>
    private const int HalfClosedMilliseconds = 20;

    /// <summary>Of a request's tag: which end.</summary>
    private const int EndBit = 1;

    /// <summary>Of a request's tag: a send to that end; else a receive from it.</summary>
    private const int SendBit = 2;

    private readonly Relay _relay;
    private readonly MessageRing _ring;
    private BufferQueue _toTarget;
    private BufferQueue _toClient;
    private ulong _key;
    private bool _withdrawing;
    private bool _hasReceived;

    /// <summary>A bit for each end that is being received from.</summary>
    private int _receiving;

    /// <summary>Messages in a row that came alone.</summary>
    private int _quietMessages;

    internal RingRelay(Relay relay, MessageRing ring)
    {
        _relay = relay;
        _ring = ring;
    }

    internal void Begin()
    {
        _key = _ring.Add(this);
        _hasReceived = true;
        _quietMessages = 0;
        Receive(Relay.ClientEnd);
        Receive(Relay.TargetEnd);
        _relay.Loop.SetTimer(this, _relay.IsSettled ? CheckMilliseconds : RelayGroup.KeepAliveDelayMilliseconds);
    }

    /// <summary>Completes every request. Only the relay uses the sockets from then on.</summary>
    private void EndRequests()
    {
        _withdrawing = true;
        while (_receiving != 0 || _toTarget.IsSending || _toClient.IsSending)
        {
            // Again each time: a cancellation does not find a request that is just being handled.
            for (int end = Relay.ClientEnd; end <= Relay.TargetEnd; end++)
            {
                if ((_receiving & 1 << end) != 0)
                    _ring.Cancel(_key | (uint)end);
            }
            _ring.Submit();
            while (_ring.TryTakeOf(_key, out IoUringCompletion completion, out int tag))
                OnCompletion(completion, tag);
        }
        _withdrawing = false;
    }

    /// <summary>Leaves the ring. Bytes that were not sent become the pending ones of the relay's directions, or are dropped.</summary>
    /// <returns>False if there is no memory for them.</returns>
    internal bool Leave(RelayResources resources, bool keepBytes)
    {
        EndRequests();
        bool isKept = true;
        for (int end = Relay.ClientEnd; end <= Relay.TargetEnd; end++)
        {
            ref BufferQueue queue = ref QueueFrom(end);
            int bytes = keepBytes ? _ring.Bytes(queue) : 0;
            nint room = bytes > 0 ? _relay.DirectionFrom(end).Reserve(resources, bytes) : 0;
            if (room != 0)
                _ring.Move(ref queue, room);
            isKept &= bytes == 0 || room != 0;
            _ring.DropAll(ref queue);
        }
        _ring.Remove(this);
        _relay.Loop.ClearTimer(this);
        return isKept;
    }

    internal override void OnCompletion(in IoUringCompletion completion, int tag)
    {
        if ((tag & SendBit) != 0)
            OnSent(completion.Result, to: tag & EndBit);
        else
            OnReceived(completion, from: tag & EndBit);
    }

    protected internal override void OnTimer()
    {
        bool isSilent = !_hasReceived;
        _hasReceived = false;
        // As long as any relay is on the ring, an epoll event costs a call more: a silent one leaves.
        bool mustLeave = isSilent || _relay.DirectionFrom(Relay.ClientEnd).FinReceived || _relay.DirectionFrom(Relay.TargetEnd).FinReceived
            || HasEvent(Relay.ClientEnd) || HasEvent(Relay.TargetEnd);
        if (mustLeave)
            _relay.BackToEpoll();
        else
            _relay.Loop.SetTimer(this, CheckMilliseconds);
    }

    /// <summary>Whether the end has a FIN or an error that the ring has not reported.</summary>
    private bool HasEvent(int end) =>
        (Libc.Ready(_relay.Socket(end).Descriptor, Libc.EPOLLRDHUP) & (Libc.EPOLLRDHUP | Libc.EPOLLERR | Libc.EPOLLHUP)) != 0;

    private ref BufferQueue QueueFrom(int end) => ref end == Relay.ClientEnd ? ref _toTarget : ref _toClient;

    private void Receive(int end)
    {
        _receiving |= 1 << end;
        _ring.Receive(_relay.Socket(end).Descriptor, _key | (uint)end);
    }

    private void OnReceived(in IoUringCompletion completion, int from)
    {
        ref BufferQueue queue = ref QueueFrom(from);
        if (!completion.HasMore)
            _receiving &= ~(1 << from);
        if (completion.Result > 0)
        {
            _ring.Append(ref queue, completion.Buffer, completion.Result);
            if (_withdrawing)
                return;
            bool isTaken = queue.IsSending || Send(ref queue, 1 - from);
            _quietMessages = _relay.Loop.IsQuiet ? _quietMessages + 1 : 0;
            if (!isTaken || completion.Result == MessageRing.MessageBytes || _quietMessages == MessagesBeforeMove)
                _relay.BackToEpoll();
            else if (!completion.HasMore)
                Receive(from);
            return;
        }
        ref RelaySocket source = ref _relay.Socket(from);
        if (completion.Result == 0 && !source.Failed)
        {
            _relay.DirectionFrom(from).FinReceived = true;
            if (!_withdrawing && !queue.IsSending)
                PassFin(from);
            return;
        }
        // A 0 after a failed send: the send has reported the error.
        Errno error = completion.Result == 0 ? Errno.ECONNRESET : Libc.ErrorOf(completion.Result);
        if (error == Errno.ENOBUFS)
        {
            // More relays have bytes than there are buffers. A read needs none, and waiting for buffers costs each of the others a try.
            if (!_withdrawing)
                _relay.BackToEpoll();
        }
        else if (_withdrawing)
        {
            source.Failed |= error != Errno.ECANCELED;
        }
        else if (queue.IsSending)
        {
            // The bytes from before the error go first.
            source.Failed = true;
            _relay.BackToEpoll();
        }
        else
        {
            _relay.Fail(from, error);
        }
    }

    /// <summary>Sends the only message of a direction.</summary>
    /// <returns>False if the sink does not take it, or not all of it.</returns>
    private bool Send(ref BufferQueue queue, int to)
    {
        if (!_relay.Loop.IsQuiet)
        {
            SendFirst(ref queue, to);
            return true;
        }
        // A request and the call that submits it would cost more than a call of its own.
        OnResult(ref queue, (int)_ring.SendNow(_relay.Socket(to).Descriptor, queue), to);
        return queue.IsEmpty;
    }

    private void SendFirst(ref BufferQueue queue, int to)
    {
        queue.IsSending = true;
        _ring.SendFirst(_relay.Socket(to).Descriptor, queue, _key | (uint)(SendBit | to));
    }

    private void OnResult(ref BufferQueue queue, int result, int to)
    {
        if (result > 0)
        {
            _relay.DirectionFrom(1 - to).Bytes += result;
            _relay.Count(result, 1 - to);
            _ring.Consume(ref queue, result);
            _hasReceived = true;
        }
        else if (!RelayDirection.WouldBlock(result))
        {
            // A socket reports its error once: the next call would take what is left for a FIN.
            _relay.Socket(to).Failed = true;
        }
    }

    private void OnSent(int result, int to)
    {
        ref BufferQueue queue = ref QueueFrom(1 - to);
        queue.IsSending = false;
        OnResult(ref queue, result, to);
        if (_withdrawing)
            return;
        // Not all of it was taken, or nothing will be any more: a write on the way of the epoll finds out.
        if (result <= 0 || queue.Offset > 0)
            _relay.BackToEpoll();
        else if (!queue.IsEmpty)
            SendFirst(ref queue, to);
        else if (_relay.DirectionFrom(1 - to).FinReceived)
            PassFin(1 - to);
    }

    private void PassFin(int from)
    {
        _relay.DirectionFrom(from).Closed = true;
        if (_relay.IsClosed)
        {
            _relay.End();
            return;
        }
        _relay.Socket(1 - from).SendFin();
        _relay.Loop.SetTimer(this, HalfClosedMilliseconds);
    }
}
