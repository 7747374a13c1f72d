using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;

namespace NsBridge.Relaying.Tcp;

// How bytes, ends and errors move; both directions by one function.
public sealed partial class Relay
{
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
            Abort(new RelayOutcome(EndReason.ClientReset, Libc.PendingError(_client.Descriptor)));
        else if (_target.Failed && (_toClient.Pending > 0 || _toClient.Ended))
            Abort(new RelayOutcome(EndReason.TargetReset, Libc.PendingError(_target.Descriptor)));
        else if (_toTarget.Ended && IsBroken(_client, _toClient))
            Abort(new RelayOutcome(EndReason.ClientReset, Errno.ECONNRESET));
        else if (_toClient.Ended && IsBroken(_target, _toTarget))
            Abort(new RelayOutcome(EndReason.TargetReset, Errno.ECONNRESET));
        else if (_wrongPathCount == MisplacedMessages && IsForRing && IsWholeAndEmpty)
            EnterRing(_group.Resources.Ring!);
    }

    /// <summary>
    /// Whether the other half of the bridge went before it was told of the end: in good order it closes once both directions are over. A half that
    /// has sent its own end cannot send <see cref="ResetMark"/> any more, and one that was killed sends nothing.
    /// </summary>
    private static bool IsBroken(in RelaySocket half, in RelayDirection towardsIt) => half.HalfHasClosed && !towardsIt.Closed;

    /// <returns>False where the relay has ended.</returns>
    private bool Advance(ref RelaySocket source, ref RelaySocket sink, ref RelayDirection flow, bool towardsTarget)
    {
        EventLoop loop = _group.Loop;
        int turn = Turn;
        while (!flow.Closed)
        {
            if (flow.Pending > 0)
            {
                if (!sink.Writable)
                    return true;
                nint taken = flow.Pipe.IsNone
                    ? Libc.Send(sink.Descriptor, flow.Block.Address + flow.Offset, flow.Pending)
                    : Libc.Splice(flow.Pipe.ReadEnd, sink.Descriptor, flow.Pending);
                if (taken < 0)
                {
                    if (!WouldBlock(taken))
                        return DeliverThenFail(taken, failed: ref sink, other: ref source, atClient: !towardsTarget);
                    taken = 0;
                }
                Count(taken, towardsTarget);
                flow.Offset += (int)taken;
                flow.Pending -= (int)taken;
                if (flow.Pending > 0)
                {
                    // A signal (the collector's, a debugger's) ends a splice early, with the sink as writable as before and no event to come.
                    if (taken > 0 && !flow.Pipe.IsNone)
                        continue;
                    sink.Writable = false;
                    return true;
                }
                ReturnStore(ref flow);
            }
            if (flow.Ended)
            {
                flow.Closed = true;
                // Where the other direction is over too, the close that follows says the same.
                if (!_toTarget.Closed || !_toClient.Closed)
                    sink.SendFin();
                return true;
            }
            if (!source.Readable)
                return true;
            if (turn <= 0)
            {
                loop.Yield(this);
                return true;
            }
            if (IsBulk(flow, source, sink))
            {
                nint moved = Fill(ref flow, ref source);
                turn -= flow.Pending;
                if (moved > 0)
                    continue;
                if (moved < 0)
                    return WouldBlock(moved) || Fail(moved, atClient: towardsTarget);
            }
            Block scratch = _group.Resources.Scratch;
            nint read = source.Receive(scratch);
            if (read <= 0)
            {
                if (read == 0)
                    source.LookWhetherHalfHasClosed();
                source.Readable = false;
                // Not the end of a socket that failed: whoever was told of its error before, it was cut off and must not pass for complete.
                if (read == 0 && (source.Failed || IsBroken(source, towardsTarget ? _toClient : _toTarget)))
                    read = -(nint)(int)Errno.ECONNRESET;
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
            flow.NoteRead(read);
            LookWhetherForRing(read);
            if (read < scratch.Size && !source.ShortReadProvesNothing)
                source.Readable = false;
            nint sent = 0;
            if (sink.Writable)
            {
                sent = Libc.Send(sink.Descriptor, scratch.Address, (int)read);
                if (sent < 0)
                {
                    if (!WouldBlock(sent))
                        return DeliverThenFail(sent, failed: ref sink, other: ref source, atClient: !towardsTarget);
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
    private bool Keep(ref RelayDirection flow, Block scratch, int offset, int length)
    {
        BlockPool blocks = _group.Resources.Blocks;
        // A large rest stays where it is and the loop gets a new scratch block; a small one is copied to a block of its size.
        Block block = blocks.Rent(length > scratch.Size / 4 ? scratch.Size : length);
        if (block.IsNone)
        {
            Abort(new RelayOutcome(EndReason.Aborted, Errno.ENOMEM));
            return false;
        }
        if (block.Size == scratch.Size)
        {
            _group.Resources.Scratch = block;
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

    /// <summary>One end has reset: what it said before that still goes the other way, as far as it is taken at once.</summary>
    private bool DeliverThenFail(nint result, ref RelaySocket failed, ref RelaySocket other, bool atClient)
    {
        failed.Failed = failed.Readable = failed.ShortReadProvesNothing = true;
        if (!other.Failed && !Advance(ref failed, ref other, ref atClient ? ref _toTarget : ref _toClient, towardsTarget: atClient))
            return false;
        return Fail(result, atClient);
    }

    private bool Fail(nint result, bool atClient)
    {
        Abort(new RelayOutcome(atClient ? EndReason.ClientReset : EndReason.TargetReset, Libc.ErrorOf(result)));
        return false;
    }
}
