using System.Net.Sockets;
using System.Text;
using NsBridge.Namespaces.Containers;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.FuzzTests;

/// <summary>Services of the machine that answer anything: a value, or a fault in words.</summary>
internal sealed class AnswerTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(200);

    /// <summary>As the real ones answer.</summary>
    private static readonly byte[] s_engine = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        + $$"""{"Id":"{{new string('a', 64)}}","State":{"Status":"running","Running":true,"Pid":4711},"""
        + """ "HostConfig":{"NetworkMode":"none"}}""");

    /// <summary>Type 2: reply serial 2; a variant that holds a text.</summary>
    private static readonly byte[] s_bus =
    [
        (byte)'l', 2, 1, 1, 13, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0,
        5, 1, (byte)'u', 0, 2, 0, 0, 0,
        1, (byte)'s', 0, 0, 4, 0, 0, 0, (byte)'u', (byte)'p', (byte)'u', (byte)'p', 0,
    ];

    /// <summary>Type 3: reply serial 1; the private socket has no names.</summary>
    private static readonly byte[] s_noName =
    [
        (byte)'l', 3, 1, 1, 0, 0, 0, 0, 9, 0, 0, 0, 23, 0, 0, 0,
        5, 1, (byte)'u', 0, 1, 0, 0, 0, 4, 1, (byte)'s', 0, 2, 0, 0, 0, (byte)'n', (byte)'.', 0, 0,
        0, 0, 0, 0,
    ];

    [Test]
    public async Task Engine_ThatAnswersAnyBytes_IsUnderstoodOrNot()
    {
        using var scratch = new ScratchDirectory();
        using Socket listener = Listen(scratch["engine"]);
        var engine = new EngineApi("Docker", scratch["engine"]);
        await Fuzz.RunAsync(Fuzz.Damaged(s_engine), async answer =>
        {
            Task<ContainerFacts?> asked = engine.InspectAsync("web", CancellationToken.None);
            using (Socket client = await listener.AcceptAsync())
            {
                await client.ReceiveAsync(new byte[4096]);
                await client.SendAsync(answer);
            }

            try
            {
                await asked.WaitAsync(s_deadline);
            }
            catch (IOException fault)
            {
                Assert.That(fault.Message, Does.Contain(" "), "a sentence");
            }
        });
    }

    [Test]
    public async Task Podman_WithAnyFiles_IsUnderstoodOrNot()
    {
        using var scratch = new ScratchDirectory();
        string id = new('b', 64), folder = Path.Combine(scratch["storage"], "overlay-containers");
        Directory.CreateDirectory(Path.Combine(folder, id, "userdata"));
        var podman = new PodmanFiles(scratch["storage"], scratch["run"]);
        byte[] config = """{"linux":{"namespaces":[{"type":"network"},{"type":"pid"}]}}"""u8.ToArray();
        await Fuzz.RunAsync(Fuzz.Damaged(Encoding.ASCII.GetBytes($$"""[{"id":"{{id}}","names":["web"]}]"""), config), async bytes =>
        {
            bool isList = bytes.AsSpan().IndexOf("linux"u8) < 0;
            await File.WriteAllBytesAsync(Path.Combine(folder, "containers.json"),
                isList ? bytes : Encoding.ASCII.GetBytes($$"""[{"id":"{{id}}","names":["web"]}]"""));
            await File.WriteAllBytesAsync(Path.Combine(folder, id, "userdata", "config.json"), isList ? config : bytes);
            try
            {
                await podman.InspectAsync("web", CancellationToken.None);
            }
            catch (IOException fault)
            {
                Assert.That(fault.Message, Does.Contain(" "), "a sentence");
            }
        });
    }

    [Test]
    public async Task Bus_ThatAnswersAnyBytes_IsUnderstoodOrNot()
    {
        using var scratch = new ScratchDirectory();
        using Socket listener = Listen(scratch["bus"]);
        await Fuzz.RunAsync(Fuzz.Damaged(s_bus), async answer =>
        {
            // An answer to no call is none, and leaves the caller waiting.
            using var patience = new CancellationTokenSource(s_patience);
            Task serving = ServeAsync(listener, answer, patience.Token);
            try
            {
                using SystemBus bus = await SystemBus.ConnectAsync(scratch["bus"], scratch["private"], patience.Token).WaitAsync(s_deadline);
                await bus.PropertyAsync("/a", "i.f", "ActiveState", patience.Token).WaitAsync(s_deadline);
            }
            catch (OperationCanceledException)
            {
            }
            catch (IOException fault)
            {
                Assert.That(fault.Message, Does.Contain(" "), "a sentence");
            }
            await serving.WaitAsync(s_deadline).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
    }

    /// <summary>The greeting, then one answer, and closes.</summary>
    private static async Task ServeAsync(Socket listener, byte[] answer, CancellationToken cancel)
    {
        using Socket client = await listener.AcceptAsync(cancel);
        await UntilAsync("\r\n");
        await client.SendAsync("OK 0123456789abcdef0123456789abcdef\r\n"u8.ToArray(), cancel);
        await UntilAsync("Hello");
        await client.SendAsync(s_noName, cancel);
        await UntilAsync("ActiveState");
        await client.SendAsync(answer, cancel);

        async Task UntilAsync(string text)
        {
            byte[] buffer = new byte[4096];
            int length = 0;
            for (int count; buffer.AsSpan(0, length).IndexOf(Encoding.ASCII.GetBytes(text)) < 0; length += count)
            {
                if ((count = await client.ReceiveAsync(buffer.AsMemory(length), cancel)) == 0)
                    throw new EndOfStreamException();
            }
        }
    }

    private static Socket Listen(string path)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        return listener;
    }
}
