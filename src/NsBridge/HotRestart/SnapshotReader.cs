using System.Buffers.Binary;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.HotRestart;

/// <summary>Reads a parcel: all of it, or nothing.</summary>
internal static class SnapshotReader
{
    /// <summary>Reads a description.</summary>
    /// <param name="whole">The description.</param>
    /// <param name="descriptors">What came beside it, in order.</param>
    /// <param name="moment">When it was made, on the monotonic clock.</param>
    /// <param name="unknown">Descriptors of records that this version knows nothing of; to be closed.</param>
    /// <exception cref="SnapshotException">It cannot be read, or is not complete; no descriptor was touched.</exception>
    public static RestartSnapshot Read(ReadOnlyMemory<byte> whole, IReadOnlyList<int> descriptors, out long moment, out IReadOnlyList<int> unknown)
    {
        ReadOnlyMemory<byte> body = SnapshotFormat.Open(whole, out int announced, out moment);
        if (announced != descriptors.Count)
            throw new SnapshotException($"it is not complete: {descriptors.Count} of {announced} descriptors came");
        var listeners = new List<ListenerSnapshot>();
        var connections = new List<ConnectionSnapshot>();
        var others = new List<int>();
        unknown = others;
        int used = 0;
        try
        {
            while (!body.IsEmpty)
            {
                ReadOnlySpan<byte> header = body.Span[..SnapshotFormat.RecordHeaderSize];
                int length = BinaryPrimitives.ReadInt32LittleEndian(header);
                ushort kind = BinaryPrimitives.ReadUInt16LittleEndian(header[4..]);
                int count = BinaryPrimitives.ReadUInt16LittleEndian(header[6..]);
                ReadOnlyMemory<byte> fields = body.Slice(SnapshotFormat.RecordHeaderSize, length);
                body = body[(SnapshotFormat.RecordHeaderSize + length)..];
                int[] own = [.. descriptors.Skip(used).Take(count)];
                used += count;
                if (own.Length != count)
                    throw new SnapshotException("it is damaged: a record has more descriptors than came");
                using var reader = new BinaryReader(new MemoryStream(fields.ToArray()));
                if (kind == SnapshotFormat.ListenerKind && count == 1)
                    listeners.Add(new ListenerSnapshot(own[0], reader.ReadString(), reader.ReadUInt64()));
                else if (kind == SnapshotFormat.ConnectionKind && count is 1 or 2)
                    connections.Add(ReadConnection(reader, own[0], count == 2 ? own[1] : ConnectionSnapshot.NoTarget));
                else
                    others.AddRange(own);
            }
        }
        catch (Exception fault) when (fault is ArgumentOutOfRangeException or EndOfStreamException or FormatException)
        {
            throw new SnapshotException("it is damaged: a record is cut short");
        }
        if (used != descriptors.Count)
            throw new SnapshotException("it is damaged: descriptors came that no record knows");
        return new RestartSnapshot(listeners, connections);
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
        return new ConnectionSnapshot(bridge, role, relay, offset, age);
    }

    private static DirectionState ReadDirection(BinaryReader reader)
    {
        bool ended = reader.ReadBoolean();
        bool closed = reader.ReadBoolean();
        return new DirectionState(ReadBytes(reader, reader.ReadInt32()), ended, closed);
    }

    private static byte[] ReadBytes(BinaryReader reader, int count)
    {
        byte[] bytes = reader.ReadBytes(count);
        return bytes.Length == count ? bytes : throw new EndOfStreamException();
    }
}
