using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.HotRestart;

/// <summary>A snapshot that cannot be read; the message is the reason.</summary>
internal sealed class SnapshotException(string message) : Exception(message);

/// <summary>The description of a snapshot. Its descriptors travel beside it, in the order of the records.</summary>
/// <remarks>A header of 40 bytes, little-endian: magic (8), version (4), number of descriptors (4), the moment on the monotonic clock at
/// which it was made (8), length of the body (8), CRC-32C of the body (4), 4 unused bytes. The body is a sequence of records: length (4),
/// kind (2), number of descriptors (2), fields. Growth rule: within a version a record may grow at its end and new kinds may appear, and a
/// reader skips what it does not know. What an older program would misread needs a new version.</remarks>
internal static class SnapshotSerializer
{
    public const int HeaderSize = 40;
    public const int RecordHeaderSize = 8;

    /// <summary>The version written. Since 2, a close resets a connection until it arrives; an older program would leave it so.</summary>
    private const uint Version = 2;

    private const uint OldestVersion = 1;
    private const ushort ListenerKind = 1;
    private const ushort ConnectionKind = 2;

    /// <summary>Bytes of a record without pending bytes: paths and names are shorter.</summary>
    private const int MostFixedBytes = 4096;

    /// <summary>Pending bytes of a direction: the largest block of a relay.</summary>
    private const int MostPendingBytes = 256 << 10;

    /// <summary>Milliseconds or bytes, far beyond all real ones: sums with the clock and other counters do not overflow.</summary>
    private const long MostOfAnything = 1L << 60;

    private static ReadOnlySpan<byte> Magic => "nsbridge"u8;

    /// <summary>The longest description for a number of descriptors: each record has at least one, and two directions.</summary>
    public static long MostBytes(int descriptors) => HeaderSize + (descriptors + 1L) * (MostFixedBytes + 2 * MostPendingBytes);

    /// <param name="snapshot">What is left.</param>
    /// <param name="moment">Now, on the monotonic clock.</param>
    public static byte[] Write(RestartSnapshot snapshot, long moment)
    {
        using var body = new MemoryStream();
        using var writer = new BinaryWriter(body);
        foreach (ListenerSnapshot listener in snapshot.Listeners)
        {
            long start = BeginRecord(writer, ListenerKind, 1);
            writer.Write(listener.Path);
            writer.Write(listener.File);
            EndRecord(writer, start);
        }
        foreach (ConnectionSnapshot connection in snapshot.Connections)
        {
            long start = BeginRecord(writer, ConnectionKind, (ushort)(connection.HasTarget ? 2 : 1));
            WriteConnection(writer, connection);
            EndRecord(writer, start);
        }
        writer.Flush();
        return Frame(body.GetBuffer().AsSpan(0, (int)body.Length), snapshot.Descriptors().Count(), moment);
    }

    /// <summary>Puts the header in front of a body.</summary>
    internal static byte[] Frame(ReadOnlySpan<byte> body, int descriptors, long moment)
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

    /// <summary>Reads a description: all of it, or nothing.</summary>
    /// <param name="whole">The description.</param>
    /// <param name="descriptors">The descriptors that came with it, in order.</param>
    /// <param name="moment">When it was made, on the monotonic clock.</param>
    /// <param name="unknown">Descriptors of records of an unknown kind; to be closed.</param>
    /// <exception cref="SnapshotException">It cannot be read, or is not complete; no descriptor was touched.</exception>
    public static RestartSnapshot Read(byte[] whole, IReadOnlyList<int> descriptors, out long moment, out IReadOnlyList<int> unknown)
    {
        CheckHeader(whole, descriptors.Count, out moment);
        var listeners = new List<ListenerSnapshot>();
        var connections = new List<ConnectionSnapshot>();
        var others = new List<int>();
        unknown = others;
        int used = 0;
        try
        {
            for (int at = HeaderSize; at < whole.Length;)
            {
                ReadOnlySpan<byte> header = whole.AsSpan(at, RecordHeaderSize);
                int length = BinaryPrimitives.ReadInt32LittleEndian(header);
                ushort kind = BinaryPrimitives.ReadUInt16LittleEndian(header[4..]);
                int count = BinaryPrimitives.ReadUInt16LittleEndian(header[6..]);
                // Throws for a negative length and for one beyond the end.
                using var reader = new BinaryReader(new MemoryStream(whole, at + RecordHeaderSize, length));
                at += RecordHeaderSize + length;
                int[] own = [.. descriptors.Skip(used).Take(count)];
                used += count;
                if (own.Length != count)
                    throw new SnapshotException("it is damaged: a record has more descriptors than came");
                if (kind == ListenerKind && count == 1)
                    listeners.Add(ReadListener(reader, own[0]));
                else if (kind == ConnectionKind && count is 1 or 2)
                    connections.Add(ReadConnection(reader, own[0], count == 2 ? own[1] : ConnectionSnapshot.NoTarget));
                else
                    others.AddRange(own);
            }
        }
        catch (Exception fault) when (fault is ArgumentException or IOException or FormatException)
        {
            throw new SnapshotException("it is damaged: a record is cut short");
        }
        if (used != descriptors.Count)
            throw new SnapshotException("it is damaged: descriptors came that belong to no record");
        return new RestartSnapshot(listeners, connections);
    }

    private static void CheckHeader(ReadOnlySpan<byte> whole, int descriptors, out long moment)
    {
        if (whole.Length < HeaderSize || !whole.StartsWith(Magic))
            throw new SnapshotException("it is not a snapshot of nsbridge");
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(whole[8..]);
        if (version is < OldestVersion or > Version)
            throw new SnapshotException($"its format has version {version}, and this program knows versions {OldestVersion} to {Version}");
        ReadOnlySpan<byte> body = whole[HeaderSize..];
        if (BinaryPrimitives.ReadInt64LittleEndian(whole[24..]) != body.Length
            || BinaryPrimitives.ReadUInt32LittleEndian(whole[32..]) != Checksum(body))
            throw new SnapshotException("it is damaged: its length or its checksum is wrong");
        int announced = BinaryPrimitives.ReadInt32LittleEndian(whole[12..]);
        if (announced != descriptors)
            throw new SnapshotException($"it is not complete: {descriptors} of {announced} descriptors came");
        moment = BinaryPrimitives.ReadInt64LittleEndian(whole[16..]);
    }

    private static long BeginRecord(BinaryWriter writer, ushort kind, ushort descriptors)
    {
        long start = writer.BaseStream.Position;
        writer.Write(0);
        writer.Write(kind);
        writer.Write(descriptors);
        return start;
    }

    private static void EndRecord(BinaryWriter writer, long start)
    {
        long end = writer.BaseStream.Position;
        writer.BaseStream.Position = start;
        writer.Write((int)(end - start) - RecordHeaderSize);
        writer.BaseStream.Position = end;
    }

    private static ListenerSnapshot ReadListener(BinaryReader reader, int descriptor)
    {
        var listener = new ListenerSnapshot(descriptor, reader.ReadString(), reader.ReadUInt64());
        Require(listener.Path.Length == 0 || (listener.Path[0] == '/' && !listener.Path.Contains('\0')), "a path");
        return listener;
    }

    private static void WriteConnection(BinaryWriter writer, ConnectionSnapshot connection)
    {
        RelayState relay = connection.Relay;
        writer.Write(connection.Bridge);
        writer.Write((byte)connection.Role);
        writer.Write((byte)relay.ClientKind);
        writer.Write((byte)relay.TargetKind);
        writer.Write(relay.ClientFailed);
        writer.Write(relay.TargetFailed);
        Span<byte> bits = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bits, relay.Peer.Bits);
        writer.Write(bits);
        writer.Write(relay.Peer.Port);
        writer.Write(relay.Peer.Family);
        writer.Write(relay.Cookie);
        writer.Write(relay.BytesToTarget);
        writer.Write(relay.BytesToClient);
        writer.Write(relay.Settled);
        writer.Write(relay.Idle);
        writer.Write(connection.Offset);
        writer.Write(connection.Age);
        foreach (DirectionState direction in (ReadOnlySpan<DirectionState>)[relay.ToTarget, relay.ToClient])
        {
            writer.Write(direction.FinReceived);
            writer.Write(direction.Closed);
            writer.Write(direction.Pending.Length);
            writer.Write(direction.Pending);
        }
    }

    private static ConnectionSnapshot ReadConnection(BinaryReader reader, int client, int target)
    {
        string bridge = reader.ReadString();
        var role = (ConnectionRole)reader.ReadByte();
        var relay = new RelayState
        {
            Client = client,
            Target = target,
            ClientKind = (SocketKind)reader.ReadByte(),
            TargetKind = (SocketKind)reader.ReadByte(),
            ClientFailed = reader.ReadBoolean(),
            TargetFailed = reader.ReadBoolean(),
            Peer = new PeerAddress(BinaryPrimitives.ReadUInt128BigEndian(ReadBytes(reader, 16)), reader.ReadUInt16(), reader.ReadByte()),
            Cookie = reader.ReadUInt64(),
            BytesToTarget = reader.ReadInt64(),
            BytesToClient = reader.ReadInt64(),
            Settled = reader.ReadBoolean(),
            Idle = reader.ReadInt64(),
        };
        int offset = reader.ReadInt32();
        long age = reader.ReadInt64();
        relay = relay with { ToTarget = ReadDirection(reader), ToClient = ReadDirection(reader) };
        if (target != ConnectionSnapshot.NoTarget)
            relay = relay with { Offset = offset, Age = age };
        Require(Enum.IsDefined(role) && Enum.IsDefined(relay.ClientKind) && Enum.IsDefined(relay.TargetKind), "a kind");
        Require(relay.Peer.Family is Libc.AF_INET or Libc.AF_INET6 or Libc.AF_UNIX, "an address");
        Require(relay is { BytesToTarget: >= 0 and <= MostOfAnything, BytesToClient: >= 0 and <= MostOfAnything }, "a number");
        Require(relay.Idle is >= 0 and <= MostOfAnything && age is >= 0 and <= MostOfAnything, "a number");
        Require(offset is >= 0 and <= ushort.MaxValue, "a number");
        return new ConnectionSnapshot(bridge, role, relay, offset, age);
    }

    private static void Require(bool isValid, string what)
    {
        if (!isValid)
            throw new SnapshotException($"it is damaged: {what} in it is not possible");
    }

    private static DirectionState ReadDirection(BinaryReader reader)
    {
        bool ended = reader.ReadBoolean();
        bool closed = reader.ReadBoolean();
        return new DirectionState(ReadBytes(reader, reader.ReadInt32()), ended, closed);
    }

    private static byte[] ReadBytes(BinaryReader reader, int count)
    {
        // Before anything is allocated for them.
        if (count < 0 || count > Math.Min(MostPendingBytes, reader.BaseStream.Length - reader.BaseStream.Position))
            throw new EndOfStreamException();
        return reader.ReadBytes(count);
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint checksum = uint.MaxValue;
        int whole = bytes.Length / sizeof(ulong) * sizeof(ulong);
        foreach (ulong eight in MemoryMarshal.Cast<byte, ulong>(bytes[..whole]))
            checksum = BitOperations.Crc32C(checksum, eight);
        foreach (byte one in bytes[whole..])
            checksum = BitOperations.Crc32C(checksum, one);
        return ~checksum;
    }
}
