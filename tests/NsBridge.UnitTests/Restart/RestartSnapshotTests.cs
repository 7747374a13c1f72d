using System.Buffers.Binary;
using System.Globalization;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.UnitTests.Restart;

/// <summary>What travels from one process to the next arrives whole, or not at all; and no descriptor stays behind.</summary>
internal sealed class RestartSnapshotTests
{
    private readonly List<int> _own = [];
    private int _queue;
    private int _kept;
    private readonly HashSet<string> _sockets = [];

    [SetUp]
    public void MakeQueue()
    {
        Assert.That(SnapshotChannel.Make(out _queue, out _kept), Is.Zero);
    }

    [TearDown]
    public void CloseAll()
    {
        foreach (int descriptor in _own)
            Libc.Close(descriptor);
        _own.Clear();
        Libc.Close(_queue);
        Libc.Close(_kept);
        Assert.That(OpenFiles().Where(file => _sockets.Contains(file) || file.StartsWith("/memfd:nsbridge", StringComparison.Ordinal)), Is.Empty, "descriptors left open");
        _sockets.Clear();
    }

    [Test]
    public void Parcel_OfEverything_ArrivesAsItWas()
    {
        var random = new Random(7);
        ListenerSnapshot[] listeners = Enumerable.Range(0, 300).Select(i => new ListenerSnapshot(Socket(), i % 2 == 0 ? "" : $"/run/nsbridge/b{i}.sock", (ulong)i)).ToArray();
        ConnectionSnapshot[] connections = Enumerable.Range(0, 300).Select(i => i % 3 == 0
            ? ConnectionSnapshot.Waiting("wartend-ü", ConnectionRole.Outer, Socket(), SocketKind.Tcp, Peer(i), i, 1234)
            : new ConnectionSnapshot($"b{i}", ConnectionRole.InnerLeg, new RelayState
            {
                Client = Socket(),
                Target = Socket(),
                ClientKind = SocketKind.UnixHalf,
                TargetKind = SocketKind.Unix,
                ClientFailed = i % 2 == 0,
                TargetFailed = i % 5 == 0,
                Peer = Peer(i),
                Cookie = (ulong)random.NextInt64(),
                ToTarget = new DirectionState(Bytes(random, i == 1 ? 262_144 : i % 7), i % 2 == 1, false),
                ToClient = new DirectionState(Bytes(random, i % 11), true, i % 4 == 0),
                BytesToTarget = random.NextInt64(),
                BytesToClient = random.NextInt64(),
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
    public void Parcel_OfAHundredThousandDescriptors_FitsIntoTheQueue()
    {
        // Twice net.core.wmem_max, of which a message takes some 900 bytes.
        long room = 2 * long.Parse(File.ReadAllText("/proc/sys/net/core/wmem_max"), CultureInfo.InvariantCulture) / 1024 * Libc.DescriptorsPerMessage;
        Assume.That(room, Is.GreaterThan(100_000), "net.core.wmem_max as Linux 6.18 has it");

        int one = Socket();

        Assert.That(SnapshotChannel.Send(_queue, new RestartSnapshot([.. Enumerable.Repeat(ListenerSnapshot.Internet(one), 100_000)], []), 1), Is.Zero);
    }

    [Test]
    public void Queue_OfTwoParcels_TheLastCompleteOneCounts()
    {
        SnapshotChannel.Send(_queue, Some(3), 1);
        SnapshotChannel.Send(_queue, Some(5), 2);
        byte[] cut = SnapshotWriter.Write(Some(4), 3);
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
    public void Version_OfANewerProgram_IsToldAndDropped() => AssertDropped(whole => BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(8), 3), "version 3");

    [Test]
    public void Version_OfNone_IsToldAndDropped() => AssertDropped(whole => BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(8), 0), "version 0");

    [Test]
    public void Version_OfTheProgramBefore_IsRead()
    {
        RestartSnapshot parcel = Some(3);
        byte[] whole = SnapshotWriter.Write(parcel, 1);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(8), 1);
        SendDescription(whole);
        Libc.SendDescriptors(_queue, [2], [.. parcel.Descriptors()]);

        Assert.That(Receive(out _, out string? fault)!.Listeners, Has.Count.EqualTo(3));
        Assert.That(fault, Is.Null);
    }

    [Test]
    public void Magic_OfAnotherProgram_IsToldAndDropped() => AssertDropped(whole => whole[0] ^= 1, "not a parcel");

    [Test]
    public void Parcel_WithAnyBitTurned_IsToldAndDropped([Random(20)] int seed)
    {
        var random = new Random(seed);
        AssertDropped(
            whole =>
            {
                // Bytes 16 to 23 are the moment, which decides only between two whole parcels; 36 to 39 are nothing.
                int at = random.Next(whole.Length);
                whole[at is (>= 16 and < 24) or (>= 36 and < 40) ? 24 : at] ^= (byte)(1 << random.Next(8));
            },
            "");
    }

    [Test]
    public void Parcel_OfGarbage_IsToldAndDropped([Random(20)] int seed)
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
        byte[] listener = SnapshotWriter.Write(new RestartSnapshot([new ListenerSnapshot(Socket(), "/a", 5)], []), 1).AsSpan(SnapshotFormat.HeaderSize).ToArray();
        body.AddRange(listener);
        body.AddRange([9, 9, 9]);
        BinaryPrimitives.WriteInt32LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(body), listener.Length - SnapshotFormat.RecordHeaderSize + 3);
        SendDescription(SnapshotFormat.Frame(body.ToArray(), 1, 1));
        Libc.SendDescriptors(_queue, [2], [_own[0]]);

        RestartSnapshot? came = Receive(out _, out string? fault);

        Assert.That(fault, Is.Null);
        Assert.That(came!.Listeners.Single(), Is.EqualTo(new ListenerSnapshot(came.Listeners[0].Descriptor, "/a", 5)));
    }

    [Test]
    public void Record_OfAnUnknownKind_IsPassedOverAndItsDescriptorsAreClosed()
    {
        byte[] unknown = [2, 0, 0, 0, 77, 0, 2, 0, 1, 2];
        byte[] listener = SnapshotWriter.Write(new RestartSnapshot([new ListenerSnapshot(Socket(), "/a", 5)], []), 1).AsSpan(SnapshotFormat.HeaderSize).ToArray();
        SendDescription(SnapshotFormat.Frame([.. unknown, .. listener], 3, 1));
        Libc.SendDescriptors(_queue, [2], [Socket(), Socket(), _own[0]]);

        RestartSnapshot? came = Receive(out _, out string? fault);

        Assert.That(came!.Listeners, Has.Count.EqualTo(1));
        Assert.That(Libc.SocketCookie(came.Listeners[0].Descriptor), Is.EqualTo(Libc.SocketCookie(_own[0])));
        Assert.That(fault, Does.Contain("2 descriptors of a kind"));
    }

    private void AssertDropped(Action<byte[]> damage, string reason)
    {
        RestartSnapshot parcel = Some(3);
        byte[] whole = SnapshotWriter.Write(parcel, 1);
        damage(whole);
        SendDescription(whole);
        Libc.SendDescriptors(_queue, [2], [.. parcel.Descriptors()]);
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
        RestartSnapshot? came = SnapshotChannel.Receive(_kept, out moment, out fault);
        _own.AddRange(came?.Descriptors() ?? []);
        return came;
    }

    private RestartSnapshot Some(int listeners) => new([.. Enumerable.Range(0, listeners).Select(_ => ListenerSnapshot.Internet(Socket()))], []);

    private int Socket()
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

    private static string Text(DirectionState direction) => $"{Convert.ToBase64String(direction.Pending)} {direction.Ended} {direction.Closed}";

    private static IEnumerable<string> OpenFiles() => Directory.GetFileSystemEntries("/proc/self/fd").Select(file => new FileInfo(file).LinkTarget ?? "");
}
