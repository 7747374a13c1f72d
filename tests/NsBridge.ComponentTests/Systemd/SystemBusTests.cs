using System.Net.Sockets;
using System.Text;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Systemd;

/// <summary>The bus connection against peers that answer byte for byte as a test sets it.</summary>
internal sealed class SystemBusTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    private ScratchDirectory _scratch = null!;

    [SetUp]
    public void Start() => _scratch = new ScratchDirectory();

    [TearDown]
    public void Stop() => _scratch.Dispose();

    [Test]
    public async Task Property_FromThePrivateSocket_IsRead()
    {
        // Type 2: reply serial 2; a variant that holds the number 4711.
        byte[] answer =
        [
            (byte)'l', 2, 1, 1, 8, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0,
            5, 1, (byte)'u', 0, 2, 0, 0, 0,
            1, (byte)'u', 0, 0, 0x67, 0x12, 0, 0,
        ];
        using var peer = new Peer(_scratch["private"], Error(1, "no!"), answer);
        using SystemBus bus = await ConnectAsync(s_soon);

        Assert.That(await bus.PropertyAsync("/a", "i.f", "MainPID", CancellationToken.None).WaitAsync(s_soon), Is.EqualTo(4711u));
    }

    [TestCase("org.freedesktop.DBus.Error.UnknownProperty", null)]
    [TestCase("org.freedesktop.DBus.Error.AccessDenied", "systemd answers org.freedesktop.DBus.Error.AccessDenied")]
    public async Task Property_AnsweredByAnError_IsAbsentOrSaysWhich(string error, string? message)
    {
        using var peer = new Peer(_scratch["private"], Error(1, "no!"), Error(2, error));
        using SystemBus bus = await ConnectAsync(s_soon);
        Task<object?> property = bus.PropertyAsync("/a", "i.f", "MainPID", CancellationToken.None).WaitAsync(s_soon);

        if (message is null)
            Assert.That(await property, Is.Null);
        else
            await Assert.ThatAsync(() => property, Throws.TypeOf<IOException>().With.Message.EqualTo(message));
    }

    [Test]
    public async Task Property_AnsweredByGarbage_IsAFault()
    {
        using var peer = new Peer(_scratch["private"], Error(1, "no!"), "HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
        using SystemBus bus = await ConnectAsync(s_soon);

        await Assert.ThatAsync(() => bus.PropertyAsync("/a", "i.f", "MainPID", CancellationToken.None).WaitAsync(s_soon), Throws.TypeOf<IOException>());
    }

    [Test]
    public async Task Property_OfAnotherType_IsAFault()
    {
        // A variant that holds a double.
        byte[] answer =
        [
            (byte)'l', 2, 1, 1, 16, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0,
            5, 1, (byte)'u', 0, 2, 0, 0, 0,
            1, (byte)'d', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        using var peer = new Peer(_scratch["private"], Error(1, "no!"), answer);
        using SystemBus bus = await ConnectAsync(s_soon);

        await Assert.ThatAsync(() => bus.PropertyAsync("/a", "i.f", "MainPID", CancellationToken.None).WaitAsync(s_soon), Throws.TypeOf<IOException>());
    }

    [Test]
    public async Task Property_NoAnswer_EndsAtTheDeadline()
    {
        using var peer = new Peer(_scratch["private"], Error(1, "no!"));
        using SystemBus bus = await ConnectAsync(s_soon);
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));

        await Assert.ThatAsync(
            () => bus.PropertyAsync("/a", "i.f", "MainPID", deadline.Token).WaitAsync(s_soon), Throws.InstanceOf<OperationCanceledException>());
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Connect_NoAnswer_EndsAtTheDeadline(bool answersGreeting)
    {
        using var peer = new Peer(_scratch["bus"]) { AnswersGreeting = answersGreeting };

        await Assert.ThatAsync(() => ConnectAsync(TimeSpan.FromMilliseconds(200)).WaitAsync(s_soon), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Connect_PeerClosesAtOnce_SaysThatTheUserIsNotAdmitted()
    {
        using var peer = new Peer(_scratch["bus"]) { Closes = true };

        await Assert.ThatAsync(() => ConnectAsync(s_soon), Throws.TypeOf<IOException>().With.Message.Contains("does not admit this user"));
    }

    [Test]
    public async Task Connect_NoSystemd_NamesTheSocket() =>
        await Assert.ThatAsync(
            () => ConnectAsync(s_soon),
            Throws.TypeOf<IOException>().With.Message.EqualTo($"systemd cannot be asked by {_scratch["bus"]}: no such file or directory"));

    private async Task<SystemBus> ConnectAsync(TimeSpan timeout)
    {
        using var deadline = new CancellationTokenSource(timeout);
        return await SystemBus.ConnectAsync(_scratch["bus"], _scratch["private"], deadline.Token);
    }

    /// <summary>Type 3: the serial of the call and the name of the error.</summary>
    private static byte[] Error(byte serial, string name)
    {
        byte[] text = [(byte)name.Length, 0, 0, 0, .. Encoding.ASCII.GetBytes(name), 0];
        byte[] fields = [5, 1, (byte)'u', 0, serial, 0, 0, 0, 4, 1, (byte)'s', 0, .. text];
        return [(byte)'l', 3, 1, 1, 0, 0, 0, 0, 9, 0, 0, 0, (byte)fields.Length, 0, 0, 0, .. fields, .. new byte[(8 - fields.Length % 8) % 8]];
    }

    /// <summary>Answers the greeting, then each call in turn.</summary>
    private sealed class Peer : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly byte[][] _answers;

        public Peer(string path, params byte[][] answers)
        {
            _answers = answers;
            _listener.Bind(new UnixDomainSocketEndPoint(path));
            _listener.Listen();
            _ = ServeAsync();
        }

        public bool AnswersGreeting { get; init; } = true;

        public bool Closes { get; init; }

        private async Task ServeAsync()
        {
            await Task.Yield();
            using Socket client = await _listener.AcceptAsync();
            if (Closes)
                return;
            await ReadUntilAsync(client, bytes => bytes.EndsWith("\r\n"u8));
            if (AnswersGreeting)
                await client.SendAsync("OK 0123456789abcdef0123456789abcdef\r\n"u8.ToArray());
            // What follows BEGIN is the first call; each call is one write of the client.
            await ReadUntilAsync(client, bytes => bytes.IndexOf("Hello"u8) >= 0);
            foreach (byte[] answer in _answers)
            {
                await client.SendAsync(answer);
                await ReadUntilAsync(client, bytes => bytes.Length > 0);
            }
            await Task.Delay(s_soon);
        }

        private static async Task ReadUntilAsync(Socket client, Func<byte[], bool> isComplete)
        {
            byte[] buffer = new byte[4096];
            for (int length = 0; length == 0 || !isComplete(buffer[..length]);)
            {
                int count = await client.ReceiveAsync(buffer.AsMemory(length));
                if (count == 0)
                    throw new IOException("closed");
                length += count;
            }
        }

        public void Dispose() => _listener.Dispose();
    }
}
