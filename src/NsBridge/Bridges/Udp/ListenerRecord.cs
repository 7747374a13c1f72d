using System.Buffers.Binary;

namespace NsBridge.Bridges.Udp;

/// <summary>What the outer half says of each UDP listener it hands over, one record for each descriptor of the message: 4 bytes, the
/// offset in the range of ports (2, big-endian) and two zeros.</summary>
internal readonly record struct ListenerRecord(int Offset)
{
    public const int Size = 4;

    public void Write(Span<byte> to) => BinaryPrimitives.WriteUInt32BigEndian(to, (uint)Offset << 16);

    public static ListenerRecord Read(ReadOnlySpan<byte> from) => new((int)(BinaryPrimitives.ReadUInt32BigEndian(from) >> 16));
}
