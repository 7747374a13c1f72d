using FsCheck;
using FsCheck.Fluent;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.FuzzTests;

/// <summary>What a process leaves for the next one is taken whole, or dropped whole.</summary>
internal sealed class SnapshotTests
{
    private const int Allowed = 1 << 20;

    /// <summary>The body alone: a wrong checksum would hide all other damage.</summary>
    private static readonly byte[] s_body = SnapshotSerializer.Write(
        new RestartSnapshot(
            [new ListenerSnapshot(0, "/run/nsbridge/web.sock", 5), ListenerSnapshot.Internet(0)],
            [
                new ConnectionSnapshot("web", ConnectionRole.Inner, new RelayState
                {
                    Client = 0,
                    Target = 0,
                    ClientKind = SocketKind.Tcp,
                    TargetKind = SocketKind.Unix,
                    Peer = new PeerAddress((UInt128)0xffff << 32 | 17, 4711, Libc.AF_INET),
                    Cookie = 1,
                    ToTarget = new DirectionState([1, 2, 3], true, false),
                }),
                ConnectionSnapshot.Waiting("web", ConnectionRole.Outer, 0, SocketKind.Tcp, PeerAddress.Unix, 2, 1234),
            ]),
        1)[SnapshotSerializer.HeaderSize..];

    private static readonly Gen<byte[]> s_whole =
        from body in Fuzz.Damaged(s_body)
        from descriptors in Gen.Frequency((4, Gen.Constant(5)), (1, Gen.Choose(0, 9)))
        from damagesHeader in Gen.Frequency((9, Gen.Constant(false)), (1, Gen.Constant(true)))
        let whole = SnapshotSerializer.Frame(body, descriptors, 1)
        from damaged in damagesHeader ? Fuzz.Damaged(whole) : Gen.Constant(whole)
        select damaged;

    [Test]
    public void Description_OfAnyBytes_IsReadOrDropped() => Fuzz.Run(s_whole, whole =>
    {
        RestartSnapshot snapshot;
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            snapshot = SnapshotSerializer.Read(whole, [10, 11, 12, 13, 14], out _, out _);
        }
        catch (SnapshotException)
        {
            return;
        }
        finally
        {
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(Allowed), "bytes allocated");
        }

        foreach (RelayState relay in snapshot.Connections.Select(connection => connection.Relay))
        {
            Assert.That(relay.ToTarget.Pending, Has.Length.AtMost(BlockPool.Largest), "what a relay can hold");
            Assert.That(relay.ToClient.Pending, Has.Length.AtMost(BlockPool.Largest), "what a relay can hold");
            // As loops and counters reckon with them.
            Assert.DoesNotThrow(() => checked(long.MinValue / 2 + relay.Idle + relay.BytesToTarget + relay.BytesToClient).ToString());
        }
        Assert.That(snapshot.Connections.Select(connection => checked(long.MaxValue / 2 + connection.Age)), Has.All.Positive, "an age");
    });

    [Test, NonParallelizable]
    public void Queue_OfAnyMessages_LeavesNoDescriptor() => Fuzz.Run(s_whole, whole =>
    {
        int before = OpenDescriptors();
        Assert.That(SnapshotChannel.Make(out int queue, out int stored), Is.Zero);
        int file = Libc.MemoryFile("nsbridge-test\0"u8);
        Libc.Write(file, whole);
        Libc.SendDescriptors(queue, [1], [file]);
        int socket = Libc.Socket(Libc.AF_INET, Libc.SOCK_STREAM);
        Libc.SendDescriptors(queue, [2], [socket, socket, socket, socket, socket]);

        RestartSnapshot? came = SnapshotChannel.Receive(stored, out _, out string? fault);

        Assert.That(came is null, Is.EqualTo(fault is not null && !fault.Contains("does not know", StringComparison.Ordinal)), fault);
        foreach (int descriptor in (IEnumerable<int>)[queue, stored, file, socket, .. came?.Descriptors() ?? []])
            Libc.Close(descriptor);
        // The runtime opens and closes some for a moment.
        Assert.That(OpenDescriptors, Is.AtMost(before).After(1000, 1), "descriptors");
    });

    private static int OpenDescriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;
}
