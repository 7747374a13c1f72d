using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Relaying.Tcp;

/// <summary>Why a direction stopped moving bytes.</summary>
internal enum StopReason : byte
{
    /// <summary>It waits for an event, or is closed.</summary>
    Waits,

    /// <summary>It has moved <see cref="RelayDirection.Turn"/> bytes: other sources go first.</summary>
    Yields,

    SourceFailed,

    SinkFailed,

    OutOfMemory,
}

internal readonly record struct Stop(StopReason Reason, Errno Error = Errno.None);

/// <summary>One direction of a relay: its pending bytes, its state, and the step that moves bytes from the source to the sink.</summary>
/// <remarks>States: open; <see cref="FinReceived"/>, the source's last byte was read; <see cref="Closed"/>, the FIN was passed on after
/// it.
/// <para>A direction reads into the loop's scratch block and writes at once. Bytes that the sink does not take move to a block of the
/// direction's own, and nothing more is read until they are gone: a slow reader slows its writer, and costs one block. A read that does
/// not fill its buffer has emptied the socket unless the FIN has come too, which saves the read that would return EAGAIN (a quarter of all
/// calls).</para>
/// <para>A direction to a TCP socket whose reads were large some times in a row is a bulk one, and moves its bytes through a pipe, where
/// they are not copied. The pipe only moves bytes: the FIN, an error or urgent data is known from the events and found by a read, so a
/// source that has shown any of these is read from then on.</para></remarks>
internal struct RelayDirection
{
    /// <summary>Bytes a direction may move before other sources have their turn.</summary>
    internal const int Turn = 4 * BlockPool.Largest;

    private const int LargeReadsOfBulk = 2;
    private const int LargeRead = BlockPool.Largest / 2;
    private const int SmallPiece = 32 * 1024;

    /// <summary>Holds the pending bytes, from <see cref="_offset"/> on; none while there are none, or while they are in the pipe.</summary>
    private Block _block;

    private int _offset;

    /// <summary>Holds the pending bytes of a bulk direction; none while there are none, or while they are in the block.</summary>
    private Pipe _pipe;

    /// <summary>Large reads in a row, counted up to <see cref="LargeReadsOfBulk"/>.</summary>
    private byte _largeReads;

    /// <summary>The source's last byte was read.</summary>
    internal bool FinReceived;

    /// <summary>The FIN was passed on: the direction is over.</summary>
    internal bool Closed;

    /// <summary>The largest piece of the last step.</summary>
    internal int LargestRead;

    /// <summary>Bytes that were read and that the sink has not taken.</summary>
    internal int Pending { get; private set; }

    /// <summary>Bytes that the sink has taken.</summary>
    internal long Bytes { get; set; }

    /// <summary>Moves as many bytes as possible.</summary>
    /// <param name="resources">Lends memory and pipes.</param>
    /// <param name="source">Where bytes come from.</param>
    /// <param name="sink">Where they go.</param>
    /// <param name="opposite">The other direction of the relay.</param>
    internal Stop Advance(RelayResources resources, ref RelaySocket source, ref RelaySocket sink, in RelayDirection opposite)
    {
        int turn = Turn;
        LargestRead = 0;
        while (!Closed)
        {
            if (Pending > 0)
            {
                if (!sink.Writable)
                    return default;
                nint taken = _pipe.IsNone
                    ? Libc.Send(sink.Descriptor, _block.Address + _offset, Pending)
                    : Libc.Splice(_pipe.ReadEnd, sink.Descriptor, Pending);
                if (taken < 0)
                {
                    if (!WouldBlock(taken))
                        return new Stop(StopReason.SinkFailed, Libc.ErrorOf(taken));
                    taken = 0;
                }
                Bytes += taken;
                _offset += (int)taken;
                Pending -= (int)taken;
                if (Pending > 0)
                {
                    // A signal (the collector's, a debugger's) ends a splice early, and the sink stays writable without a new event.
                    if (taken > 0 && !_pipe.IsNone)
                        continue;
                    sink.Writable = false;
                    return default;
                }
                Discard(resources);
            }
            if (FinReceived)
            {
                Closed = true;
                // If the other direction is closed too, the close of the socket sends the FIN.
                if (!opposite.Closed)
                    sink.SendFin();
                return default;
            }
            if (!source.Readable)
                return default;
            if (turn <= 0)
                return new Stop(StopReason.Yields);
            if (_largeReads >= LargeReadsOfBulk && !source.ShortReadProvesNothing && sink.Kind == SocketKind.Tcp)
            {
                nint moved = Fill(resources, ref source);
                turn -= Pending;
                if (moved > 0)
                    continue;
                if (moved < 0)
                    return WouldBlock(moved) ? default : new Stop(StopReason.SourceFailed, Libc.ErrorOf(moved));
            }
            Block scratch = resources.Scratch;
            nint read = source.Receive(scratch);
            if (read <= 0)
            {
                if (read == 0)
                    source.CheckHalfHasClosed();
                source.Readable = false;
                // After an error that was reported before, a 0 is no FIN: the stream was cut off and must not pass for complete.
                if (read == 0 && (source.Failed || IsBroken(source, opposite)))
                    return new Stop(StopReason.SourceFailed, Errno.ECONNRESET);
                if (read < 0)
                    return WouldBlock(read) ? default : new Stop(StopReason.SourceFailed, Libc.ErrorOf(read));
                FinReceived = true;
                continue;
            }
            turn -= (int)read;
            NoteRead((int)read);
            if (read < scratch.Size && !source.ShortReadProvesNothing)
                source.Readable = false;
            nint sent = 0;
            if (sink.Writable)
            {
                sent = Libc.Send(sink.Descriptor, scratch.Address, (int)read);
                if (sent < 0)
                {
                    if (!WouldBlock(sent))
                        return new Stop(StopReason.SinkFailed, Libc.ErrorOf(sent));
                    sent = 0;
                }
                Bytes += sent;
            }
            if (sent < read)
            {
                sink.Writable = false;
                return Keep(resources, (int)sent, (int)(read - sent)) ? default : new Stop(StopReason.OutOfMemory);
            }
        }
        return default;
    }

    /// <summary>Whether the other half of the bridge closed before it received the FIN: in good order it closes once both directions are
    /// over. A half that has sent its own FIN cannot send <see cref="Halves.ResetMark"/> any more, and a killed one sends
    /// nothing.</summary>
    internal static bool IsBroken(in RelaySocket half, in RelayDirection towardsIt) => half.HalfHasClosed && !towardsIt.Closed;

    internal static bool WouldBlock(nint result) => result == -(nint)(int)Errno.EAGAIN;

    private void NoteRead(int bytes)
    {
        LargestRead = Math.Max(LargestRead, bytes);
        _largeReads = bytes >= LargeRead ? (byte)Math.Min(_largeReads + 1, LargeReadsOfBulk) : (byte)0;
    }

    /// <summary>Reads of a time when the direction was not read here do not count.</summary>
    internal void ForgetReads() => _largeReads = 0;

    /// <summary>Moves what the source has into a pipe.</summary>
    /// <returns>The bytes moved; 0 if a read has to find the reason, or there is no pipe; or a negated error, which the socket reports
    /// only once.</returns>
    private nint Fill(RelayResources resources, ref RelaySocket source)
    {
        Pipe pipe = resources.Pipes.Rent();
        if (pipe.IsNone)
            return 0;
        // Less than asked for does not mean that the socket is empty: a pipe is also full when its slots are.
        nint moved = Libc.Splice(source.Descriptor, pipe.WriteEnd, PipePool.Capacity);
        if (moved > 0)
        {
            LargestRead = PipePool.Capacity;
            // With little at a time the copy is the cheaper way again.
            if (moved < SmallPiece)
                _largeReads = 0;
            _pipe = pipe;
            Pending = (int)moved;
            return moved;
        }
        resources.Pipes.Return(pipe);
        if (WouldBlock(moved))
            source.Readable = false;
        else
            source.ShortReadProvesNothing = true;
        return moved;
    }

    /// <summary>Keeps the bytes of the scratch block that the sink did not take.</summary>
    private bool Keep(RelayResources resources, int offset, int length)
    {
        Block scratch = resources.Scratch;
        // A large rest stays in place and the loop gets a new scratch block; a small rest is copied to a block of its size.
        Block block = resources.Blocks.Rent(length > scratch.Size / 4 ? scratch.Size : length);
        if (block.IsNone)
            return false;
        if (block.Size == scratch.Size)
        {
            resources.Scratch = block;
            _block = scratch;
            _offset = offset;
        }
        else
        {
            NativePages.Copy(scratch.Address + offset, block.Address, length);
            _block = block;
            _offset = 0;
        }
        Pending = length;
        return true;
    }

    /// <summary>Makes room for pending bytes.</summary>
    /// <returns>Where to write them; 0 without memory.</returns>
    internal nint Reserve(RelayResources resources, int bytes)
    {
        _block = resources.Blocks.Rent(bytes);
        Pending = _block.IsNone ? 0 : bytes;
        return _block.Address;
    }

    /// <summary>Gives back what held the pending bytes, and drops these.</summary>
    internal void Discard(RelayResources resources)
    {
        if (!_block.IsNone)
            resources.Blocks.Return(_block);
        if (!_pipe.IsNone && Pending == 0)
            resources.Pipes.Return(_pipe);
        else if (!_pipe.IsNone)
            PipePool.Discard(_pipe);
        _block = default;
        _pipe = default;
        _offset = Pending = 0;
    }

    /// <summary>The direction as another process can resume it.</summary>
    internal readonly DirectionState Save()
    {
        byte[] pending = Pending > 0 ? new byte[Pending] : [];
        if (!_pipe.IsNone)
            _pipe.Read(pending);
        else if (Pending > 0)
            NativePages.Read(_block.Address + _offset, pending);
        return new DirectionState(pending, FinReceived, Closed);
    }
}
