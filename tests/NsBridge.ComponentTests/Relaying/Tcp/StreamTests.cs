using System.Net.Sockets;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.Tcp;

internal sealed class StreamTests(bool ring) : RelayFixture(ring)
{
    [Test]
    public async Task Target_SpeaksFirst_IsHeard()
    {
        Conversation conversation = await Scene.StartAsync();
        await conversation.Target.SendAllAsync("220 ready\r\n"u8.ToArray());
        Assert.That(await conversation.Client.ReceiveExactlyAsync(11), Is.EqualTo("220 ready\r\n"u8.ToArray()));
        await conversation.CloseAsync();
    }

    [TestCase(1)]
    [TestCase(16)]
    [TestCase(5000)]
    public async Task Greeting_ComesBeforeWhatTheClientHasSentAlready(int length)
    {
        byte[] greeting = Enumerable.Repeat((byte)'g', length).ToArray();
        Conversation conversation = await Scene.StartAsync(greeting: greeting, before: async (early, waiting) =>
        {
            await early.Client.SendAllAsync("hello"u8.ToArray());
            await Eventually.TrueAsync(() => (waiting.Seen(0) & Libc.EPOLLIN) != 0, TimeSpan.FromSeconds(5), "the client's bytes seen");
        });
        Assert.That(await conversation.Target.ReceiveExactlyAsync(length + 5), Is.EqualTo(greeting.Concat("hello"u8.ToArray())));
        await conversation.CloseAsync();
    }

    [TestCase(SocketKind.Unix)]
    [TestCase(SocketKind.UnixHalf)]
    public async Task Client_PassesDescriptorsBetweenItsBytes_StreamIsWholeAndTheyAreClosed(SocketKind kind)
    {
        Conversation conversation = await Scene.StartAsync(client: kind);
        int descriptor = conversation.Client.SafeHandle.DangerousGetHandle().ToInt32();
        var random = new Random(1);
        const int total = 200_000;
        Task<long> reading = conversation.Target.ReceivePatternAsync();
        for (int position = 0; position < total;)
        {
            byte[] part = Pattern.Take(Math.Min(random.Next(1, 2000), total - position), position);
            nint sent = random.Next(3) == 0 ? Libc.SendDescriptors(descriptor, part, [descriptor, descriptor]) : Libc.Send(descriptor, part);
            if (sent == -(int)Errno.EAGAIN)
                await conversation.Client.SendAllAsync(part);
            else
                Assert.That((int)sent, Is.GreaterThan(0));
            position += sent > 0 ? (int)sent : part.Length;
        }
        conversation.Client.Shutdown(SocketShutdown.Send);
        Assert.That(await reading, Is.EqualTo(total));
        conversation.Target.Shutdown(SocketShutdown.Send);
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
    }

    [Test]
    [Promise("tcp.urgent")]
    public async Task UrgentByte_BetweenOthers_StaysInItsPlace()
    {
        Conversation conversation = await Scene.StartAsync();
        for (int round = 0; round < 500; round++)
        {
            Socket from = round % 2 == 0 ? conversation.Client : conversation.Target;
            Socket to = round % 2 == 0 ? conversation.Target : conversation.Client;
            await from.SendAllAsync("abc"u8.ToArray());
            await from.SendAsync("!"u8.ToArray(), SocketFlags.OutOfBand);
            await from.SendAllAsync("defg"u8.ToArray());
            Assert.That(await to.ReceiveExactlyAsync(8), Is.EqualTo("abc!defg"u8.ToArray()), $"round {round}");
        }
        await conversation.CloseAsync();
    }

    [Test]
    public async Task Bytes_OfEveryOddLength_ComeBackFromAnEcho()
    {
        Conversation conversation = await Scene.StartAsync();
        using var stop = new CancellationTokenSource();
        Task echoing = Serve.Echo(conversation.Target, stop.Token);
        foreach (int length in new[] { 1, 2, 4095, 4097, 65_535, 65_537, BlockPool.Largest - 1, BlockPool.Largest, BlockPool.Largest + 1, 3 * BlockPool.Largest + 17 })
            await conversation.Client.EchoAsync(Pattern.Take(length));
        conversation.Client.Shutdown(SocketShutdown.Send);
        await echoing;
        conversation.Target.Shutdown(SocketShutdown.Send);
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
    }

    [Test]
    public async Task Streams_OfRandomSizesStallsAndHalfCloses_AreExact([Random(3)] int seed)
    {
        SocketKind[] kinds = [SocketKind.Tcp, SocketKind.Unix, SocketKind.UnixHalf];
        var random = new Random(seed);
        IEnumerable<Task> all = Enumerable.Range(0, 16).Select(async _ =>
        {
            Conversation conversation = await Scene.StartAsync(kinds[random.Next(3)], kinds[random.Next(3)]);
            await Task.WhenAll(
                OneWayAsync(conversation.Client, conversation.Target, new Random(random.Next())),
                OneWayAsync(conversation.Target, conversation.Client, new Random(random.Next())));
            Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
        });
        await Task.WhenAll(all);
    }

    /// <summary>Some bytes in pieces of any size, read in pieces of any size with stalls on both sides, and then the half-close.</summary>
    private static async Task OneWayAsync(Socket from, Socket to, Random random)
    {
        int total = random.Next(4) == 0 ? random.Next(10) : random.Next(1 << random.Next(10, 23));
        var readerRandom = new Random(random.Next());
        Task<long> reading = Task.Run(async () =>
        {
            byte[] buffer = new byte[300_000];
            long position = 0;
            while (true)
            {
                await StallAsync(readerRandom);
                using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
                int received = await to.ReceiveAsync(buffer.AsMemory(0, readerRandom.Next(1, buffer.Length)), deadline.Token);
                if (received == 0)
                    return position;
                Pattern.Verify(buffer.AsSpan(0, received), position);
                position += received;
            }
        });
        for (int position = 0; position < total;)
        {
            await StallAsync(random);
            byte[] part = Pattern.Take(Math.Min(random.Next(1, 400_000), total - position), position);
            await from.SendAllAsync(part);
            position += part.Length;
        }
        from.Shutdown(SocketShutdown.Send);
        Assert.That(await reading, Is.EqualTo(total));
    }

    /// <summary>Part of the load, not a way to wait for anything: a peer that is slow now and then.</summary>
    private static Task StallAsync(Random random) => random.Next(20) == 0 ? Task.Delay(random.Next(1, 30)) : Task.CompletedTask;
}
