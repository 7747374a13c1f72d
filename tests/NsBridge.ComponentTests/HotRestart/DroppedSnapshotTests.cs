using System.Buffers.Binary;
using System.Net.Sockets;
using NsBridge.ComponentTests.Relaying.Tcp;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.HotRestart;

/// <summary>A snapshot that no process takes over: its connections are reset, and both sides see that.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class DroppedSnapshotTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    private readonly StreamPair _client = StreamPair.Of(SocketKind.Tcp);
    private readonly StreamPair _target = StreamPair.Of(SocketKind.Tcp);
    private readonly List<int> _own = [];
    private int _queue;
    private int _stored;

    [SetUp]
    public void MakeQueue()
    {
        _own.AddRange([_client.Relayed, _target.Relayed]);
        Assert.That(SnapshotChannel.Make(out _queue, out _stored), Is.Zero);
    }

    [Test]
    public async Task Snapshot_ThatIsNotRead_ItsConnectionsAreReset()
    {
        Assert.That(SnapshotChannel.Send(_queue, Snapshot(), 1), Is.Zero);
        CloseOwn();
        // As the service manager does it when the service is stopped.
        CloseQueue();
        await AssertResetAsync();
    }

    [Test]
    public async Task Snapshot_OfAnotherVersion_ItsConnectionsAreReset()
    {
        byte[] whole = SnapshotSerializer.Write(Snapshot(), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(8), 77);
        Send(whole);

        Assert.That(SnapshotChannel.Receive(_stored, out _, out string? fault), Is.Null);
        Assert.That(fault, Does.Contain("version 77"));
        await AssertResetAsync();
    }

    [Test]
    public async Task Snapshot_BeforeAnother_ItsConnectionsAreReset()
    {
        Send(SnapshotSerializer.Write(Snapshot(), 1));
        Assert.That(SnapshotChannel.Send(_queue, new RestartSnapshot([], []), 2), Is.Zero);

        Assert.That(SnapshotChannel.Receive(_stored, out long moment, out _), Is.Not.Null);
        Assert.That(moment, Is.EqualTo(2));
        await AssertResetAsync();
    }

    [Test]
    public void Snapshot_WithAHalfOfABridge_TheOtherHalfSeesTheMark()
    {
        using var scratch = new ScratchDirectory();
        SockAddr address = SockAddr.FromPath(scratch["web.sock"]);
        int listener = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_STREAM);
        int outer = Libc.Socket(Libc.AF_UNIX, Libc.SOCK_STREAM);
        Libc.Bind(listener, address);
        Libc.Listen(listener, 1);
        Libc.Bind(outer, new JoinPeerName(JoinKind.Relay, 0).ToAddress(address));
        Assert.That(Libc.Connect(outer, address), Is.Zero);
        int inner = Libc.Accept(listener, out _);
        Libc.SendDescriptors(_queue, [2], [inner]);
        Libc.Close(inner);
        Libc.Close(listener);

        Assert.That(SnapshotChannel.Receive(_stored, out _, out string? fault), Is.Null);

        Assert.That(fault, Does.Contain("description is missing"));
        Assert.That(ResetMark.IsOn(outer));
        Libc.Close(outer);
    }

    [Test]
    public void Snapshot_WithAListener_ClientsOfItsNextOwnerEndRegularly()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        listener.Listen();
        Libc.SendDescriptors(_queue, [2], [(int)listener.Handle]);

        Assert.That(SnapshotChannel.Receive(_stored, out _, out _), Is.Null);

        // An accepted socket inherits a reset at close from its listener.
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        using Socket accepted = listener.Accept();
        Assert.That(accepted.LingerState!.Enabled, Is.False);
    }

    private RestartSnapshot Snapshot() => new([], [new ConnectionSnapshot("web", ConnectionRole.Inner, new RelayState
    {
        Client = _client.Relayed,
        Target = _target.Relayed,
        ClientKind = SocketKind.Tcp,
        TargetKind = SocketKind.Tcp,
        Peer = PeerAddress.Unix,
        Cookie = 0,
    })]);

    private void Send(byte[] description)
    {
        int file = Libc.MemoryFile("nsbridge-test\0"u8);
        Libc.Write(file, description);
        Libc.SendDescriptors(_queue, [1], [file]);
        Libc.SendDescriptors(_queue, [2], [_client.Relayed, _target.Relayed]);
        Libc.Close(file);
        CloseOwn();
    }

    private void CloseOwn()
    {
        foreach (int own in _own)
            Libc.Close(own);
        _own.Clear();
    }

    private void CloseQueue()
    {
        Libc.Close(_queue);
        Libc.Close(_stored);
        (_queue, _stored) = (-1, -1);
    }

    private async Task AssertResetAsync()
    {
        Assert.That(await _client.Program.EndingAsync(s_soon), Is.EqualTo(Ending.Reset), "the client");
        Assert.That(await _target.Program.EndingAsync(s_soon), Is.EqualTo(Ending.Reset), "the target");
    }

    public void Dispose()
    {
        _client.Program.Dispose();
        _target.Program.Dispose();
        CloseOwn();
        CloseQueue();
    }
}
