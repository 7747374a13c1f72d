using System.Buffers.Binary;
using System.Runtime.InteropServices;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Joining;

/// <summary>One handed-off connection, as the outer half describes it: a record for each descriptor of the message.</summary>
/// <remarks>32 bytes: the address (16, big-endian, IPv4-mapped), the outer half's number of the connection (8, its own byte order,
/// repeated in a <see cref="HandoffNotice"/>), the port (2, big-endian), the offset in the range of ports (2, big-endian), the family (1),
/// three zeros.</remarks>
internal readonly record struct HandoffRecord(PeerAddress Peer, int Offset, ulong Number)
{
    public const int Size = 32;

    /// <summary>The highest offset in a range of ports.</summary>
    private const int HighestOffset = ushort.MaxValue;

    public void Write(Span<byte> to)
    {
        to[..Size].Clear();
        BinaryPrimitives.WriteUInt128BigEndian(to, Peer.Bits);
        ulong number = Number;
        MemoryMarshal.Write(to[16..], in number);
        BinaryPrimitives.WriteUInt16BigEndian(to[24..], Peer.Port);
        BinaryPrimitives.WriteUInt16BigEndian(to[26..], (ushort)Math.Min(Offset, HighestOffset));
        to[28] = Peer.Family;
    }

    public static HandoffRecord Read(ReadOnlySpan<byte> from) => new(
        new PeerAddress(BinaryPrimitives.ReadUInt128BigEndian(from), BinaryPrimitives.ReadUInt16BigEndian(from[24..]), from[28]),
        BinaryPrimitives.ReadUInt16BigEndian(from[26..]),
        MemoryMarshal.Read<ulong>(from[16..]));
}

/// <summary>The end of a connection that the inner half of another process took over, as it reports it to the outer half: 32 bytes, four
/// numbers of 8 in the machine's byte order.</summary>
/// <param name="Number">The connection's <see cref="HandoffRecord.Number"/>.</param>
/// <param name="ToTarget">Bytes to the target.</param>
/// <param name="ToClient">Bytes to the client.</param>
/// <param name="Reached">False if the client had no target: it could not be reached, or the client was not admitted.</param>
internal readonly record struct HandoffNotice(ulong Number, long ToTarget, long ToClient, bool Reached)
{
    public const int Size = 32;

    /// <summary>Nothing more is taken over this link; further clients go over a new one. No connection has its number, and an outer half
    /// that does not know this notice gets EPIPE when it sends the next client.</summary>
    public static HandoffNotice TakesNoMore => default;

    public void Write(Span<byte> to)
    {
        Span<ulong> numbers = MemoryMarshal.Cast<byte, ulong>(to[..Size]);
        numbers[0] = Number;
        numbers[1] = (ulong)ToTarget;
        numbers[2] = (ulong)ToClient;
        numbers[3] = Reached ? 1UL : 0UL;
    }

    public static HandoffNotice Read(ReadOnlySpan<byte> from)
    {
        ReadOnlySpan<ulong> numbers = MemoryMarshal.Cast<byte, ulong>(from[..Size]);
        return new HandoffNotice(numbers[0], (long)numbers[1], (long)numbers[2], numbers[3] != 0);
    }
}
