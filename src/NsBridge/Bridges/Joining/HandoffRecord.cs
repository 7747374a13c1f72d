using System.Buffers.Binary;
using System.Runtime.InteropServices;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Joining;

/// <summary>
/// What the outer half says of each connection it hands over, one record for each descriptor of the message.
/// </summary>
/// <remarks>
/// 32 bytes: the address (16, big-endian, IPv4-mapped), the number the outer half knows the connection by (8, its own byte order, comes back in a
/// <see cref="HandoffNotice"/>), the port (2, big-endian), the offset in the range of ports (2, big-endian), the family (1), three zeros.
/// </remarks>
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
