using System.Net.Sockets;
using System.Runtime.InteropServices;
using NsBridge.Base;
using NsBridge.Control;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Control;

/// <summary>A program that is not the daemon may listen at its path.</summary>
internal sealed class ControlClientTests
{
    private const uint Other = 65_534;
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    private ScratchDirectory _scratch = null!;

    [SetUp]
    public void Start()
    {
        _scratch = new ScratchDirectory();
        _scratch.OpenToEveryone();
        Directory.CreateDirectory(_scratch["run"]);
        File.SetUnixFileMode(_scratch["run"], (UnixFileMode)0b111_111_111);
    }

    [TearDown]
    public void Stop() => _scratch.Dispose();

    [Test]
    public async Task Status_AProgramOfAnotherUserListens_IsRefusedAndNotRead()
    {
        using Socket listener = ListenAs(Other, _scratch["run/control"]);
        Task<int> received = ServeAsync(listener, "{}"u8.ToArray());

        await Assert.ThatAsync(
            () => ControlClient.AskStatusAsync(_scratch["run/control"], CancellationToken.None).WaitAsync(s_soon),
            Throws.TypeOf<UserErrorException>().With.Message.Contains($"runs as user {Other}"));
        Assert.That(await received.WaitAsync(s_soon), Is.Zero, "nothing was asked");
    }

    [Test]
    public async Task Status_TheOwnerOfTheDirectoryListens_IsTrustedByRoot()
    {
        Assert.That(chown(_scratch["run"], Other, Other), Is.Zero);
        using Socket listener = ListenAs(Other, _scratch["run/control"]);
        _ = ServeAsync(listener, "{}"u8.ToArray());

        byte[] answer = await ControlClient.AskStatusAsync(_scratch["run/control"], CancellationToken.None).WaitAsync(s_soon);

        Assert.That(answer, Is.EqualTo("{}"u8.ToArray()));
    }

    [Test]
    public async Task Status_AnAnswerWithoutEnd_IsCutOff()
    {
        using Socket listener = ListenAs(0, _scratch["run/control"]);
        _ = ServeAsync(listener, new byte[1 << 20], times: 100);

        await Assert.ThatAsync(
            () => ControlClient.AskStatusAsync(_scratch["run/control"], CancellationToken.None).WaitAsync(s_soon),
            Throws.TypeOf<UserErrorException>().With.Message.Contains("longer than 64 MiB"));
    }

    /// <summary>SO_PEERCRED is that of listen(2), so a thread listens as another user.</summary>
    private static Socket ListenAs(uint user, string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        Exception? fault = null;
        var thread = new Thread(() =>
        {
            try
            {
                // The system call changes this thread alone; the function of libc all threads.
                if (syscall(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 147 : 117, user, user, user) != 0)
                    throw new InvalidOperationException("setresuid failed");
                socket.Listen();
            }
            catch (Exception exception)
            {
                fault = exception;
            }
        });
        thread.Start();
        thread.Join();
        return fault is null ? socket : throw fault;
    }

    private static async Task<int> ServeAsync(Socket listener, byte[] answer, int times = 1)
    {
        using Socket client = await listener.AcceptAsync();
        int received = await client.ReceiveAsync(new byte[64]);
        for (int i = 0; received > 0 && i < times; i++)
            await client.SendAsync(answer);
        return received;
    }

    [DllImport("libc")]
    private static extern long syscall(long number, long first, long second, long third);

    [DllImport("libc")]
    private static extern int chown([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint user, uint group);
}
