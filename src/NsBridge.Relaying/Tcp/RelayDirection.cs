using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Relaying.Tcp;

/// <summary>One direction of a relay: the bytes that were read and not yet taken, and how far its end has come.</summary>
internal struct RelayDirection
{
    private const int LargeReadsOfBulk = 2;
    private const int LargeRead = BlockPool.Largest / 2;
    private const int SmallPiece = 32 * 1024;

    /// <summary>Holds the pending bytes, from <see cref="Offset"/> on; none while there are none, or while they are in a pipe.</summary>
    internal Block Block;

    internal int Offset;

    /// <summary>Holds the pending bytes of a bulk direction; none while there are none, or while they are in a block.</summary>
    internal Pipe Pipe;

    /// <summary>What was received by the loop's ring and not sent yet; empty while the relay is not on it.</summary>
    internal BufferQueue Messages;

    /// <summary>The first of <see cref="Messages"/> is being sent.</summary>
    internal bool Sending;

    /// <summary>Bytes that wait in <see cref="Block"/> or in <see cref="Pipe"/>.</summary>
    internal int Pending;

    /// <summary>Large reads in a row, as far as they are counted.</summary>
    internal byte LargeReads;

    /// <summary>The source has sent its last byte, and it was read.</summary>
    internal bool Ended;

    /// <summary>The end was passed on: the direction is over.</summary>
    internal bool Closed;

    /// <summary>Whether so much came at a time that a pipe moves it more cheaply than a copy.</summary>
    internal readonly bool IsBulk => LargeReads >= LargeReadsOfBulk;

    /// <summary>Takes in how much a copying read found.</summary>
    internal void NoteRead(nint bytes) => LargeReads = bytes >= LargeRead ? (byte)Math.Min(LargeReads + 1, LargeReadsOfBulk) : (byte)0;

    /// <summary>Takes in how much a pipe found: with little at a time the copy is the cheaper one again.</summary>
    internal void NotePiped(nint bytes)
    {
        if (bytes < SmallPiece)
            LargeReads = 0;
    }

    /// <summary>The direction as another process can take it up.</summary>
    internal readonly DirectionState Save()
    {
        byte[] pending = Pending > 0 ? new byte[Pending] : [];
        if (!Pipe.IsNone)
            Pipe.Read(pending);
        else if (Pending > 0)
            NativePages.Read(Block.Address + Offset, pending);
        return new DirectionState(pending, Ended, Closed);
    }
}
