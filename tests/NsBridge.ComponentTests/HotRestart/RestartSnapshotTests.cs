using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.ComponentTests.HotRestart;

/// <summary>What travels from one process to the next arrives whole, or not at all; and no descriptor stays behind.</summary>
internal sealed class RestartSnapshotTests
{
    /// <summary>A listener and a connection as the first program with this format wrote them.</summary>
    private const string OfAnOlderProgram =
        "6E7362726964676502000000030000002A000000000000008700000000000000E9B1FD2C000000001F00000001000100" +
        "162F72756E2F6E736272696467652F7765622E736F636B05000000000000005800000002000200037765620200020100" +
        "00000000000000000000FFFF7F0000016712020900000000000000E803000000000000D007000000000000011E000000" +
        "00000000030000002800000000000000000003000000010203010100000000";

    private readonly List<int> _own = [];
    private int _queue;
    private int _stored;
    private readonly HashSet<string> _sockets = [];

    [SetUp]
    public void MakeQueue()
    {
        Assert.That(SnapshotChannel.Make(out _queue, out _stored), Is.Zero);
    }

    [TearDown]
    public void CloseAll()
    {
        foreach (int descriptor in _own)
            Libc.Close(descriptor);
        _own.Clear();
        Libc.Close(_queue);
        Libc.Close(_stored);
        Assert.That(OpenFiles().Where(file => _sockets.Contains(file) || file.StartsWith("/memfd:nsbridge", StringComparison.Ordinal)), Is.Empty, "descriptors left open");
        _sockets.Clear();
    }

    [Test]
    public void Snapshot_OfEverything_ArrivesAsItWas()
    {
        var random = new Random(7);
        ListenerSnapshot[] listeners = Enumerable.Range(0, 300).Select(i => new ListenerSnapshot(NewSocket(), i % 2 == 0 ? "" : $"/run/nsbridge/b{i}.sock", (ulong)i)).ToArray();
        ConnectionSnapshot[] connections = Enumerable.Range(0, 300).Select(i => i % 3 == 0
            ? ConnectionSnapshot.Waiting("wartend-ü", ConnectionRole.Outer, NewSocket(), SocketKind.Tcp, Peer(i), i, 1234)
            : new ConnectionSnapshot($"b{i}", ConnectionRole.InnerLeg, new RelayState
            {
                Client = NewSocket(),
                Target = NewSocket(),
                ClientKind = SocketKind.UnixHalf,
                TargetKind = SocketKind.Unix,
                ClientFailed = i % 2 == 0,
                TargetFailed = i % 5 == 0,
                Peer = Peer(i),
                Cookie = (ulong)random.NextInt64(),
                ToTarget = new DirectionState(Bytes(random, i == 1 ? 262_144 : i % 7), i % 2 == 1, false),
                ToClient = new DirectionState(Bytes(random, i % 11), true, i % 4 == 0),
                BytesToTarget = random.NextInt64(1L << 60),
                BytesToClient = random.NextInt64(1L << 60),
                Settled = i % 2 == 0,
                Idle = i,
            })).ToArray();
        var sent = new RestartSnapshot(listeners, connections);
        Assert.That(SnapshotChannel.Send(_queue, sent, 42), Is.Zero);

        RestartSnapshot came = Receive(out long moment, out string? fault)!;

        Assert.That(fault, Is.Null);
        Assert.That(moment, Is.EqualTo(42));
        var pairs = sent.Descriptors().Zip(came.Descriptors()).ToDictionary();
        Assert.That(came.Listeners, Is.EqualTo(listeners.Select(listener => listener with { Descriptor = pairs[listener.Descriptor] })));
        Assert.That(came.Connections.Select(Text), Is.EqualTo(connections.Select(connection => Text(connection with
        {
            Relay = connection.Relay with { Client = pairs[connection.Relay.Client], Target = connection.HasTarget ? pairs[connection.Relay.Target] : ConnectionSnapshot.NoTarget },
        }))));
        foreach ((int before, int after) in pairs)
            Assert.That(Libc.SocketCookie(after), Is.EqualTo(Libc.SocketCookie(before)), "the socket itself");
    }

    [Test]
    public void Snapshot_OfAHundredThousandDescriptors_FitsIntoTheQueue()
    {
        // Twice net.core.wmem_max, of which a message takes some 900 bytes.
        long room = 2 * long.Parse(File.ReadAllText("/proc/sys/net/core/wmem_max"), CultureInfo.InvariantCulture) / 1024 * Libc.DescriptorsPerMessage;
        Assume.That(room, Is.GreaterThan(100_000), "net.core.wmem_max as Linux 6.18 has it");

        int one = NewSocket();

        Assert.That(SnapshotChannel.Send(_queue, new RestartSnapshot([.. Enumerable.Repeat(ListenerSnapshot.Internet(one), 100_000)], []), 1), Is.Zero);
    }

    [Test]
    public void Queue_OfTwoSnapshots_TheLastCompleteOneCounts()
    {
        SnapshotChannel.Send(_queue, Some(3), 1);
        SnapshotChannel.Send(_queue, Some(5), 2);
        byte[] cut = SnapshotSerializer.Write(Some(4), 3);
        SendDescription(cut);
        Libc.SendDescriptors(_queue, [2], [.. Some(2).Descriptors()]);

        RestartSnapshot? came = Receive(out long moment, out string? fault);

        Assert.That(came!.Listeners, Has.Count.EqualTo(5));
        Assert.That(moment, Is.EqualTo(2));
        Assert.That(fault, Does.Contain("2 of 4 descriptors"));
    }

    [Test]
    public void Queue_WithNothingInIt_IsNoFault()
    {
        Assert.That(Receive(out _, out string? fault), Is.Null);
        Assert.That(fault, Is.Null);
    }

    [Test]
    public void Version_OfANewerProgram_IsDropped() => AssertDropped(whole => BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(8), 3), "version 3");

    [Test]
    public void Version_OfNone_IsDropped() => AssertDropped(whole => BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(8), 0), "version 0");

    [Test]
    public void Version_OfTheProgramBefore_IsRead()
    {
        RestartSnapshot snapshot = Some(3);
        byte[] whole = SnapshotSerializer.Write(snapshot, 1);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(8), 1);
        SendDescription(whole);
        Libc.SendDescriptors(_queue, [2], [.. snapshot.Descriptors()]);

        Assert.That(Receive(out _, out string? fault)!.Listeners, Has.Count.EqualTo(3));
        Assert.That(fault, Is.Null);
    }

    [Test]
    public void Bytes_OfAnOlderProgram_AreReadAndWrittenTheSame()
    {
        byte[] whole = Convert.FromHexString(OfAnOlderProgram);
        SendDescription(whole);
        Libc.SendDescriptors(_queue, [2], [NewSocket(), NewSocket(), NewSocket()]);

        RestartSnapshot came = Receive(out long moment, out string? fault)!;

        Assert.That(fault, Is.Null);
        Assert.That(came.Listeners.Single() with { Descriptor = 0 }, Is.EqualTo(new ListenerSnapshot(0, "/run/nsbridge/web.sock", 5)));
        ConnectionSnapshot connection = came.Connections.Single();
        Assert.That((connection.Bridge, connection.Role, connection.Offset, connection.Age), Is.EqualTo(("web", ConnectionRole.Inner, 3, 40L)));
        Assert.That(connection.Relay.Peer.ToString(), Is.EqualTo("127.0.0.1:4711"));
        Assert.That(SnapshotSerializer.Write(came, moment), Is.EqualTo(whole));
    }

    [Test]
    public void Magic_OfAnotherProgram_IsDropped() => AssertDropped(whole => whole[0] ^= 1, "not a snapshot");

    [Test]
    public void Snapshot_WithAnyBitTurned_IsDropped([Random(20)] int seed)
    {
        var random = new Random(seed);
        AssertDropped(
            whole =>
            {
                // Bytes 16 to 23 are the moment, which decides only between two whole snapshots; 36 to 39 are nothing.
                int at = random.Next(whole.Length);
                whole[at is (>= 16 and < 24) or (>= 36 and < 40) ? 24 : at] ^= (byte)(1 << random.Next(8));
            },
            "");
    }

    [Test]
    public void Snapshot_OfGarbage_IsDropped([Random(20)] int seed)
    {
        byte[] garbage = Bytes(new Random(seed), seed % 200);
        SendDescription(garbage);
        Assert.That(Receive(out _, out string? fault), Is.Null);
        Assert.That(fault, Is.Not.Null);
    }

    [Test]
    public void Record_ThatHasGrown_IsReadWithoutItsNewFields()
    {
        var body = new List<byte>();
        byte[] listener = SnapshotSerializer.Write(new RestartSnapshot([new ListenerSnapshot(NewSocket(), "/a", 5)], []), 1).AsSpan(SnapshotSerializer.HeaderSize).ToArray();
        body.AddRange(listener);
        body.AddRange([9, 9, 9]);
        BinaryPrimitives.WriteInt32LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(body), listener.Length - SnapshotSerializer.RecordHeaderSize + 3);
        SendDescription(SnapshotSerializer.Frame(body.ToArray(), 1, 1));
        Libc.SendDescriptors(_queue, [2], [_own[0]]);

        RestartSnapshot? came = Receive(out _, out string? fault);

        Assert.That(fault, Is.Null);
        Assert.That(came!.Listeners.Single(), Is.EqualTo(new ListenerSnapshot(came.Listeners[0].Descriptor, "/a", 5)));
    }

    [Test]
    public void Record_OfAnUnknownKind_IsPassedOverAndItsDescriptorsAreClosed()
    {
        byte[] unknown = [2, 0, 0, 0, 77, 0, 2, 0, 1, 2];
        byte[] listener = SnapshotSerializer.Write(new RestartSnapshot([new ListenerSnapshot(NewSocket(), "/a", 5)], []), 1).AsSpan(SnapshotSerializer.HeaderSize).ToArray();
        SendDescription(SnapshotSerializer.Frame([.. unknown, .. listener], 3, 1));
        Libc.SendDescriptors(_queue, [2], [NewSocket(), NewSocket(), _own[0]]);

        RestartSnapshot? came = Receive(out _, out string? fault);

        Assert.That(came!.Listeners, Has.Count.EqualTo(1));
        Assert.That(Libc.SocketCookie(came.Listeners[0].Descriptor), Is.EqualTo(Libc.SocketCookie(_own[0])));
        Assert.That(fault, Does.Contain("2 descriptors of a kind"));
    }

    [Test]
    public void Description_WithHolesOfGigabytes_IsNotReadAndDropped()
    {
        int file = Libc.MemoryFile("nsbridge-test\0"u8);
        byte[] header = SnapshotSerializer.Frame([], 1, 1);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(24), int.MaxValue - header.Length);
        Libc.Write(file, header);
        using (var whole = new FileStream(new SafeFileHandle(file, ownsHandle: false), FileAccess.Write))
            whole.SetLength(int.MaxValue);
        Libc.SendDescriptors(_queue, [1], [file]);
        Libc.Close(file);
        Libc.SendDescriptors(_queue, [2], [NewSocket()]);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.That(Receive(out _, out string? fault), Is.Null);

        Assert.That(fault, Does.Contain("too long or has holes"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20), "bytes allocated");
    }

    [Test]
    public void Description_ThatIsNoFile_IsDropped()
    {
        Assert.That(Libc.Pipe(out int readEnd, out int writeEnd), Is.Zero);
        Libc.SendDescriptors(_queue, [1], [readEnd]);
        Libc.Close(readEnd);
        Libc.Close(writeEnd);

        Assert.That(Receive(out _, out string? fault), Is.Null);
        Assert.That(fault, Does.Contain("not a file"));
    }

    // Positions in the body of a connection of bridge "web": a record's header (8), the name (4), role and kinds (3), errors (2), address (19), numbers.
    [TestCase(0, int.MinValue, "a record is cut short", TestName = "Record_OfANegativeLength_IsDropped")]
    [TestCase(0, int.MaxValue, "a record is cut short", TestName = "Record_OfAHugeLength_IsDropped")]
    [TestCase(8, -1, "a record is cut short", TestName = "Name_OfANegativeLength_IsDropped")]
    [TestCase(83, -1, "a record is cut short", TestName = "Pending_OfANegativeLength_IsDropped")]
    [TestCase(83, int.MaxValue, "a record is cut short", TestName = "Pending_OfAHugeLength_IsDropped")]
    [TestCase(12, 77, "a kind", TestName = "Role_OfNoKind_IsDropped")]
    [TestCase(69, -1, "a number", TestName = "Offset_BelowNone_IsDropped")]
    public void Field_ThatIsNotPossible_IsDropped(int at, int value, string reason)
    {
        byte[] body = SnapshotSerializer.Write(new RestartSnapshot([], [Connection()]), 1).AsSpan(SnapshotSerializer.HeaderSize).ToArray();
        Assert.That(body.AsSpan(83, 7).ToArray(), Is.EqualTo(new byte[] { 3, 0, 0, 0, 1, 2, 3 }), "where the pending bytes are");
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(at), value);
        // The fifth byte of a name's length, which has seven bits a byte.
        if (at == 8)
            body[12] = 0x0f;
        SendDescription(SnapshotSerializer.Frame(body, 2, 1));
        Libc.SendDescriptors(_queue, [2], [NewSocket(), NewSocket()]);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.That(Receive(out _, out string? fault), Is.Null);

        Assert.That(fault, Does.Contain(reason));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20), "bytes allocated");
    }

    [Test]
    public void Connection_ThatIsNoStreamSocket_IsDropped()
    {
        SendDescription(SnapshotSerializer.Write(new RestartSnapshot([], [Connection()]), 1));
        Assert.That(Libc.Pipe(out int readEnd, out int writeEnd), Is.Zero);
        Libc.SendDescriptors(_queue, [2], [NewSocket(), readEnd]);
        Libc.Close(readEnd);
        Libc.Close(writeEnd);

        Assert.That(Receive(out _, out string? fault), Is.Null);
        Assert.That(fault, Does.Contain("no stream socket"));
    }

    [Test]
    public void Listener_ThatBlocks_DoesNotAnyMore()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = true };
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        SnapshotChannel.Send(_queue, new RestartSnapshot([ListenerSnapshot.Internet((int)listener.Handle)], []), 1);

        RestartSnapshot came = Receive(out _, out _)!;

        Assert.That(Libc.Accept(came.Listeners[0].Descriptor, out _), Is.EqualTo(-(int)Errno.EAGAIN));
    }

    private ConnectionSnapshot Connection() => new("web", ConnectionRole.Inner, new RelayState
    {
        Client = NewSocket(),
        Target = NewSocket(),
        ClientKind = SocketKind.Tcp,
        TargetKind = SocketKind.Tcp,
        Peer = Peer(1),
        Cookie = 1,
        ToTarget = new DirectionState([1, 2, 3], false, false),
    });

    private void AssertDropped(Action<byte[]> damage, string reason)
    {
        RestartSnapshot snapshot = Some(3);
        byte[] whole = SnapshotSerializer.Write(snapshot, 1);
        damage(whole);
        SendDescription(whole);
        Libc.SendDescriptors(_queue, [2], [.. snapshot.Descriptors()]);
        Assert.That(Receive(out _, out string? fault), Is.Null);
        Assert.That(fault, Does.Contain(reason).And.Not.Empty);
    }

    private void SendDescription(byte[] whole)
    {
        int file = Libc.MemoryFile("nsbridge-test\0"u8);
        Libc.Write(file, whole);
        Assert.That(Libc.SendDescriptors(_queue, [1], [file]), Is.EqualTo((nint)1));
        Libc.Close(file);
    }

    private RestartSnapshot? Receive(out long moment, out string? fault)
    {
        RestartSnapshot? came = SnapshotChannel.Receive(_stored, out moment, out fault);
        _own.AddRange(came?.Descriptors() ?? []);
        return came;
    }

    private RestartSnapshot Some(int listeners) => new([.. Enumerable.Range(0, listeners).Select(_ => ListenerSnapshot.Internet(NewSocket()))], []);

    private int NewSocket()
    {
        _own.Add(Libc.Socket(Libc.AF_INET, Libc.SOCK_STREAM));
        _sockets.Add(new FileInfo($"/proc/self/fd/{_own[^1]}").LinkTarget!);
        return _own[^1];
    }

    private static PeerAddress Peer(int number) => new((UInt128)number << 64 | 17, (ushort)number, Libc.AF_INET6);

    private static byte[] Bytes(Random random, int count)
    {
        byte[] bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    // Arrays have no equality of their own.
    private static string Text(ConnectionSnapshot connection) =>
        $"{connection with { Relay = connection.Relay with { ToTarget = default, ToClient = default } }} {Text(connection.Relay.ToTarget)} {Text(connection.Relay.ToClient)}";

    private static string Text(DirectionState direction) => $"{Convert.ToBase64String(direction.Pending)} {direction.FinReceived} {direction.Closed}";

    private static IEnumerable<string> OpenFiles() => Directory.GetFileSystemEntries("/proc/self/fd").Select(file => new FileInfo(file).LinkTarget ?? "");
}
