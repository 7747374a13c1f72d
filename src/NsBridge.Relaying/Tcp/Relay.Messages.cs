using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Tcp;

// Small messages between TCP sockets by way of the loop's ring. Everything but a message that is taken at once and an end in good order takes the relay
// off the ring, to where it is handled for all kinds of sockets.
public sealed partial class Relay
{
    /// <summary>
    /// A direction that has ended is not received from any more, so a reset that follows is not seen on the ring. An exchange that goes on for so many
    /// milliseconds after one end is watched for it.
    /// </summary>
    private const int HalfClosedMilliseconds = 20;

    /// <summary>Of the three bits a source has to itself: which end.</summary>
    private const int EndBit = 1;

    /// <summary>The request is a send towards that end; else a receive from it.</summary>
    private const int SendBit = 2;

    private void Receive(MessageRing ring, int end)
    {
        _receiving |= 1 << end;
        ring.Receive(end == ClientEnd ? _client.Descriptor : _target.Descriptor, _group.Loop.Key(this) | (uint)end);
    }

    /// <summary>Sends the only message of a direction.</summary>
    /// <returns>False where the sink does not take it: it is not sent then, or not all of it.</returns>
    private bool Send(MessageRing ring, ref RelayDirection flow, int to)
    {
        if (!_group.Loop.IsQuiet)
        {
            SendFirst(ring, ref flow, to);
            return true;
        }
        // A request and the call that submits it would cost more than a call of its own.
        nint sent = ring.SendNow(to == ClientEnd ? _client.Descriptor : _target.Descriptor, flow.Messages);
        if (sent > 0)
            NoteSent(ring, ref flow, (int)sent, to);
        else
            NoteSendError((int)sent, to);
        return flow.Messages.IsEmpty;
    }

    /// <summary>A socket tells its error once. Whatever asks next would take what is left for an end in good order.</summary>
    private void NoteSendError(int result, int to)
    {
        if (!WouldBlock(result))
            (to == ClientEnd ? ref _client : ref _target).Failed = true;
    }

    private void NoteSent(MessageRing ring, ref RelayDirection flow, int bytes, int to)
    {
        Count(bytes, towardsTarget: to == TargetEnd);
        flow.Messages.Offset += bytes;
        if (ring.FirstBytes(flow.Messages) == 0)
            ring.DropFirst(ref flow.Messages);
        _isToBeLookedAt = true;
    }

    private void SendFirst(MessageRing ring, ref RelayDirection flow, int to)
    {
        flow.Sending = true;
        ring.SendFirst(to == ClientEnd ? _client.Descriptor : _target.Descriptor, flow.Messages, _group.Loop.Key(this) | (uint)(SendBit | to));
    }

    internal void OnCompletion(in IoUringCompletion completion, int own)
    {
        MessageRing ring = _group.Resources.Ring!;
        int end = own & EndBit;
        if ((own & SendBit) != 0)
            OnSent(ring, completion.Result, to: end);
        else
            OnReceived(ring, completion, from: end);
    }

    private void OnReceived(MessageRing ring, in IoUringCompletion completion, int from)
    {
        ref RelayDirection flow = ref from == ClientEnd ? ref _toTarget : ref _toClient;
        if (!completion.HasMore)
            _receiving &= ~(1 << from);
        if (completion.Result > 0)
        {
            ring.Append(ref flow.Messages, completion.Buffer, completion.Result);
            if (_withdrawing)
                return;
            bool isTaken = flow.Sending || Send(ring, ref flow, 1 - from);
            if (!isTaken || completion.Result == MessageRing.MessageBytes || ShouldLeaveRing())
                LeaveRing();
            else if (!completion.HasMore)
                Receive(ring, from);
            return;
        }
        ref RelaySocket source = ref from == ClientEnd ? ref _client : ref _target;
        if (completion.Result == 0 && !source.Failed)
        {
            flow.Ended = true;
            if (!_withdrawing && !flow.Sending)
                PassEnd(ref flow, 1 - from);
            return;
        }
        // The error of a zero was told to who sent.
        Errno error = completion.Result == 0 ? Errno.ECONNRESET : Libc.ErrorOf(completion.Result);
        if (error == Errno.ENOBUFS)
        {
            // More conversations at once than there are buffers. A read needs none; to wait for those that come back costs each of the others a try.
            if (!_withdrawing)
                LeaveRing();
        }
        else if (_withdrawing)
        {
            if (error != Errno.ECANCELED)
                source.Failed = true;
        }
        else if (flow.Sending)
        {
            // What was said before the error goes first.
            source.Failed = true;
            LeaveRing();
        }
        else
        {
            Abort(new RelayOutcome(from == ClientEnd ? EndReason.ClientReset : EndReason.TargetReset, error));
        }
    }

    private void OnSent(MessageRing ring, int result, int to)
    {
        ref RelayDirection flow = ref to == TargetEnd ? ref _toTarget : ref _toClient;
        flow.Sending = false;
        if (result > 0)
            NoteSent(ring, ref flow, result, to);
        else
            NoteSendError(result, to);
        if (_withdrawing)
            return;
        // Not all of it was taken, or nothing ever will be: a write that is tried again tells.
        if (result <= 0 || flow.Messages.Offset > 0)
            LeaveRing();
        else if (!flow.Messages.IsEmpty)
            SendFirst(ring, ref flow, to);
        else if (flow.Ended)
            PassEnd(ref flow, to);
    }

    private void PassEnd(ref RelayDirection flow, int to)
    {
        flow.Closed = true;
        if (_toTarget.Closed && _toClient.Closed)
        {
            End();
            return;
        }
        (to == ClientEnd ? ref _client : ref _target).SendFin();
        // A young relay's timer comes soon enough.
        if (_settled)
            _group.Loop.SetTimer(this, HalfClosedMilliseconds);
    }
}
