using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace NsBridge.HotRestart;

/// <summary>The frame of a parcel's description: what has to be right before anything in it is believed.</summary>
/// <remarks>
/// 40 bytes, little-endian: the magic (8), the version (4), how many descriptors belong to it (4), the moment on the monotonic clock at which
/// it was made (8), the length of what follows (8), its CRC-32C (4), and 4 bytes of nothing. What follows is a sequence of records, each with its
/// length (4), its kind (2), the number of its descriptors (2) and its fields. A record may grow at its end within a version, and new kinds may
/// come: who does not know them passes over them. What an older program would misread is a new version.
/// </remarks>
internal static class SnapshotFormat
{
    public const int HeaderSize = 40;
    public const int RecordHeaderSize = 8;

    /// <summary>The version written. Since the second one connections are reset at their close until they have arrived, which an older program would leave so.</summary>
    public const uint Version = 2;

    /// <summary>The first of the versions that are read.</summary>
    public const uint OldestVersion = 1;

    public const ushort ListenerKind = 1;
    public const ushort ConnectionKind = 2;

    public static ReadOnlySpan<byte> Magic => "nsbridge"u8;

    /// <summary>Writes the frame in front of a body.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> body, int descriptors, long moment)
    {
        byte[] whole = new byte[HeaderSize + body.Length];
        Magic.CopyTo(whole);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(whole.AsSpan(12), descriptors);
        BinaryPrimitives.WriteInt64LittleEndian(whole.AsSpan(16), moment);
        BinaryPrimitives.WriteInt64LittleEndian(whole.AsSpan(24), body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(32), Checksum(body));
        body.CopyTo(whole.AsSpan(HeaderSize));
        return whole;
    }

    /// <summary>Checks the frame.</summary>
    /// <returns>The body.</returns>
    /// <exception cref="SnapshotException">It is none of ours, of another version, or damaged.</exception>
    public static ReadOnlyMemory<byte> Open(ReadOnlyMemory<byte> whole, out int descriptors, out long moment)
    {
        ReadOnlySpan<byte> header = whole.Span;
        if (header.Length < HeaderSize || !header.StartsWith(Magic))
            throw new SnapshotException("it is not a parcel of nsbridge");
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        if (version is < OldestVersion or > Version)
            throw new SnapshotException($"its format has version {version}, and this program knows versions {OldestVersion} to {Version}");
        descriptors = BinaryPrimitives.ReadInt32LittleEndian(header[12..]);
        moment = BinaryPrimitives.ReadInt64LittleEndian(header[16..]);
        ReadOnlyMemory<byte> body = whole[HeaderSize..];
        if (BinaryPrimitives.ReadInt64LittleEndian(header[24..]) != body.Length || BinaryPrimitives.ReadUInt32LittleEndian(header[32..]) != Checksum(body.Span))
            throw new SnapshotException("it is damaged: its length or its checksum is wrong");
        return body;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint checksum = uint.MaxValue;
        int whole = bytes.Length / sizeof(ulong) * sizeof(ulong);
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes[..whole]))
            checksum = BitOperations.Crc32C(checksum, word);
        foreach (byte one in bytes[whole..])
            checksum = BitOperations.Crc32C(checksum, one);
        return ~checksum;
    }
}
