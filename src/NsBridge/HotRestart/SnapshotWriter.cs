using System.Buffers.Binary;
using NsBridge.Relaying.Tcp;

namespace NsBridge.HotRestart;

/// <summary>Writes a parcel down.</summary>
internal static class SnapshotWriter
{
    /// <summary>The description of a parcel; its descriptors travel beside it, in the order of <see cref="RestartSnapshot.Descriptors"/>.</summary>
    /// <param name="parcel">What is left.</param>
    /// <param name="moment">Now, on the monotonic clock.</param>
    public static byte[] Write(RestartSnapshot parcel, long moment)
    {
        using var body = new MemoryStream();
        using var writer = new BinaryWriter(body);
        foreach (ListenerSnapshot listener in parcel.Listeners)
            WriteRecord(writer, SnapshotFormat.ListenerKind, 1, () => WriteListener(writer, listener));
        foreach (ConnectionSnapshot connection in parcel.Connections)
            WriteRecord(writer, SnapshotFormat.ConnectionKind, (ushort)(connection.HasTarget ? 2 : 1), () => WriteConnection(writer, connection));
        writer.Flush();
        return SnapshotFormat.Frame(body.GetBuffer().AsSpan(0, (int)body.Length), parcel.Descriptors().Count(), moment);
    }

    private static void WriteRecord(BinaryWriter writer, ushort kind, ushort descriptors, Action fields)
    {
        long start = writer.BaseStream.Position;
        writer.Write(0);
        writer.Write(kind);
        writer.Write(descriptors);
        fields();
        long end = writer.BaseStream.Position;
        writer.BaseStream.Position = start;
        writer.Write((int)(end - start) - SnapshotFormat.RecordHeaderSize);
        writer.BaseStream.Position = end;
    }

    private static void WriteListener(BinaryWriter writer, ListenerSnapshot listener)
    {
        writer.Write(listener.Path);
        writer.Write(listener.File);
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
        WriteDirection(writer, relay.ToTarget);
        WriteDirection(writer, relay.ToClient);
    }

    private static void WriteDirection(BinaryWriter writer, in DirectionState direction)
    {
        writer.Write(direction.Ended);
        writer.Write(direction.Closed);
        writer.Write(direction.Pending.Length);
        writer.Write(direction.Pending);
    }
}
