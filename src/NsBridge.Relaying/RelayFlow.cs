using NsBridge.Linux.Interop;

namespace NsBridge.Relaying;

/// <summary>One direction of a relay: the bytes that were read and not yet taken, and how far its end has come.</summary>
internal struct RelayFlow
{
    /// <summary>Holds the pending bytes; none while there are none.</summary>
    internal Block Block;

    internal int Offset;

    /// <summary>Bytes that wait in <see cref="Block"/>.</summary>
    internal int Pending;

    /// <summary>The source has sent its last byte, and it was read.</summary>
    internal bool Ended;

    /// <summary>The end was passed on: the direction is over.</summary>
    internal bool Closed;

    /// <summary>The direction as another process can take it up.</summary>
    internal readonly DirectionState Save()
    {
        byte[] pending = Pending > 0 ? new byte[Pending] : [];
        if (Pending > 0)
            NativePages.Read(Block.Address + Offset, pending);
        return new DirectionState(pending, Ended, Closed);
    }
}
