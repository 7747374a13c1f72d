using System.Runtime.InteropServices;

namespace NsBridge.Bridges.Joining;

/// <summary>
/// What the inner half tells the outer half of another process when a connection it took over has ended: 32 bytes, four numbers of
/// 8 in the machine's order.
/// </summary>
/// <param name="Number">The connection's <see cref="HandoffRecord.Number"/>.</param>
/// <param name="ToTarget">Bytes to the target.</param>
/// <param name="ToClient">Bytes to the client.</param>
/// <param name="Reached">False where the client had no target: it could not be reached, or the client was not let in.</param>
internal readonly record struct HandoffNotice(ulong Number, long ToTarget, long ToClient, bool Reached)
{
    public const int Size = 32;

    /// <summary>
    /// Nothing more is taken here: who comes from now on goes over a new link. No connection has its number, and an outer half that does not
    /// know it finds out by EPIPE when it sends the next.
    /// </summary>
    public static HandoffNotice TakesNoMore => default;

    public void Write(Span<byte> to)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(to[..Size]);
        words[0] = Number;
        words[1] = (ulong)ToTarget;
        words[2] = (ulong)ToClient;
        words[3] = Reached ? 1UL : 0UL;
    }

    public static HandoffNotice Read(ReadOnlySpan<byte> from)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(from[..Size]);
        return new HandoffNotice(words[0], (long)words[1], (long)words[2], words[3] != 0);
    }
}
