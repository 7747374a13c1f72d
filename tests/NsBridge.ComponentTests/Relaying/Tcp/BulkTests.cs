using System.Net.Sockets;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.Tcp;

/// <summary>Bulk directions move through pipes, and no byte changes.</summary>
internal sealed class BulkTests(bool ring) : RelayFixture(ring)
{
    private const int Megabyte = 1 << 20;
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    /// <summary>Pipes that an earlier test's loop has not closed: none, or every count here is off.</summary>
    [SetUp]
    public void StartWithoutPipes() => Assert.That(PipePool.Made, Is.Zero);

    [Test]
    public async Task Bulk_BothWaysBetweenTcpSockets_GoesThroughPipesAndIsExact()
    {
        const int total = 256 * Megabyte;
        Conversation conversation = await Scene.StartAsync();
        int mostPipes = 0;
        var over = Task.WhenAll(PassAsync(conversation.Client, conversation.Target, total), PassAsync(conversation.Target, conversation.Client, total));
        while (!over.IsCompleted)
        {
            mostPipes = Math.Max(mostPipes, PipePool.Made);
            await Task.Delay(1);
        }
        await over;
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
        Assert.That(mostPipes, Is.Positive);
        Assert.That((Scene.Counters.BytesToTarget, Scene.Counters.BytesToClient), Is.EqualTo(((long)total, (long)total)));
    }

    [Test]
    public async Task Bulk_ToAUnixSocket_IsCopied()
    {
        Conversation conversation = await Scene.StartAsync(target: SocketKind.UnixHalf);
        await PassAsync(conversation.Client, conversation.Target, 64 * Megabyte);
        Assert.That(PipePool.Made, Is.Zero);
    }

    [Test]
    public async Task Messages_OfAPingPong_AreCopied()
    {
        Conversation conversation = await Scene.StartAsync();
        using var stop = new CancellationTokenSource();
        Task echoing = Serve.Echo(conversation.Target, stop.Token);
        for (int i = 0; i < 500; i++)
            await conversation.Client.EchoAsync(Pattern.Take(16 * 1024));
        Assert.That(PipePool.Made, Is.Zero);
        conversation.Client.Shutdown(SocketShutdown.Send);
        await echoing;
    }

    [Test]
    public async Task Stalls_OfMoreBulkStreamsThanThereArePipes_LoseNothing()
    {
        const int first = 4 * Megabyte;
        const int each = 24 * Megabyte;
        var conversations = new List<Conversation>();
        for (int i = 0; i < PipePool.Limit + 8; i++)
            conversations.Add(await Scene.StartAsync());
        var sending = conversations.Select(conversation => Task.Run(() => SendAsync(conversation.Client, each))).ToList();
        foreach (Conversation conversation in conversations)
            await ReceiveAsync(conversation.Target, 0, first);
        await Eventually.SteadyAsync(() => Scene.Counters.BytesToTarget, TimeSpan.FromMilliseconds(500), s_deadline, "all stalled");
        TestContext.Out.WriteLine($"{PipePool.Made} of at most {PipePool.Limit} pipes for {conversations.Count} stalled streams");
        Assert.That(PipePool.Made, Is.GreaterThan(PipePool.Limit / 4).And.LessThanOrEqualTo(PipePool.Limit));

        await Task.WhenAll(conversations.Select(conversation => Task.Run(() => ReceiveAsync(conversation.Target, first, each))));
        await Task.WhenAll(sending);
        foreach (Conversation conversation in conversations)
        {
            conversation.Target.Shutdown(SocketShutdown.Send);
            Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
        }
        Assert.That(PipePool.Made, Is.Zero, "no pipe is kept without a relay");
    }

    [Test]
    public async Task Abort_WithBytesInPipes_ClosesThem()
    {
        var conversations = new List<Conversation>();
        for (int i = 0; i < 4; i++)
            conversations.Add(await StallAsync());
        Assert.That(PipePool.Made, Is.Positive);
        await Scene.Loop.InvokeAsync(() => Scene.Group.AbortAllBut(0));
        foreach (Conversation conversation in conversations)
            Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Aborted));
        Assert.That(PipePool.Made, Is.Zero, "no pipe is kept without a relay");
        // The next stream gets its own bytes and no others.
        Conversation next = await Scene.StartAsync();
        await PassAsync(next.Client, next.Target, 64 * Megabyte);
    }

    [Test]
    public async Task Rest_WithBytesInAPipe_KeepsThem()
    {
        Conversation conversation = await StallAsync();
        Assert.That(PipePool.Made, Is.Positive);
        await Scene.RestAsync();
        await Scene.RestAsync();
        await ReceiveAsync(conversation.Target, Before, Stalled);
        Assert.That(await conversation.Target.ReceiveAsync(new byte[1]), Is.Zero);
    }

    [Test]
    public async Task Signals_AmidABulkStream_DoNotStopIt()
    {
        const int total = 64 * Megabyte;
        // Sent page by page, a pipe's slots take many steps to empty; a signal ends that between two of them.
        string file = Path.Combine("/dev/shm", Path.GetRandomFileName());
        await File.WriteAllBytesAsync(file, Pattern.Take(total));
        try
        {
            using var over = new CancellationTokenSource();
            var signalling = Task.Run(() =>
            {
                // The collector stops every thread by a signal.
                while (!over.IsCancellationRequested)
                {
                    GC.Collect(0);
                    Thread.SpinWait(2000);
                }
            });
            for (int round = 0; round < 2; round++)
            {
                Conversation conversation = await Scene.StartAsync();
                var sending = Task.Run(() => conversation.Client.SendFile(file));
                await Task.Run(() => ReceiveAsync(conversation.Target, 0, total)).WaitAsync(2 * s_deadline);
                await sending;
                await conversation.CloseAsync();
            }
            await over.CancelAsync();
            await signalling;
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Test]
    [Promise("tcp.urgent")]
    public async Task UrgentByte_AmidABulkStream_StaysInItsPlace()
    {
        const int piece = 8 * Megabyte;
        for (int round = 0; round < 8; round++)
        {
            Conversation conversation = await Scene.StartAsync();
            Task<long> reading = Task.Run(() => conversation.Target.ReceivePatternAsync());
            await conversation.Client.SendAllAsync(Pattern.Take(piece));
            // The kernel may have all of it before the relay has read anything.
            await Eventually.TrueAsync(() => PipePool.Made > 0, s_deadline, "it goes through a pipe");
            await conversation.Client.SendAsync(Pattern.Take(1, piece), SocketFlags.OutOfBand);
            await conversation.Client.SendAllAsync(Pattern.Take(piece, piece + 1));
            conversation.Client.Shutdown(SocketShutdown.Send);
            Assert.That(await reading, Is.EqualTo(2 * piece + 1), $"round {round}");
        }
    }

    [Test]
    public async Task Reset_OfASinkWithBytesInItsPipe_ReachesTheSource()
    {
        Conversation conversation = await Scene.StartAsync();
        Task sending = await StallAsync(conversation);
        conversation.Target.Reset();
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.TargetReset));
        SocketException? error = await Assert.ThrowsAsync<SocketException>(async () => await sending);
        // The first call after the reset returns ECONNRESET, the others another error.
        Assert.That(error?.SocketErrorCode, Is.EqualTo(SocketError.ConnectionReset).Or.EqualTo(SocketError.Shutdown));
    }

    private const int Before = 8 * Megabyte;
    private const int Stalled = 96 * Megabyte;

    /// <summary>A bulk stream to a target that has stopped reading after <see cref="Before"/> bytes of <see cref="Stalled"/>.</summary>
    private async Task<Conversation> StallAsync()
    {
        Conversation conversation = await Scene.StartAsync();
        await StallAsync(conversation);
        return conversation;
    }

    /// <returns>The client that sends.</returns>
    private async Task<Task> StallAsync(Conversation conversation)
    {
        var sending = Task.Run(() => SendAsync(conversation.Client, Stalled));
        await ReceiveAsync(conversation.Target, 0, Before);
        await Eventually.SteadyAsync(() => Scene.Counters.BytesToTarget, TimeSpan.FromMilliseconds(300), s_deadline, "stalled");
        return sending;
    }

    private static async Task PassAsync(Socket from, Socket to, int total)
    {
        var sending = Task.Run(() => SendAsync(from, total));
        Assert.That(await Task.Run(() => to.ReceivePatternAsync()), Is.EqualTo(total));
        await sending;
    }

    private static async Task SendAsync(Socket to, int total)
    {
        await to.SendPatternAsync(total);
        to.Shutdown(SocketShutdown.Send);
    }

    private static async Task ReceiveAsync(Socket from, int position, int end)
    {
        byte[] buffer = new byte[Megabyte];
        while (position < end)
        {
            int received = await from.ReceiveAsync(buffer.AsMemory(0, Math.Min(buffer.Length, end - position)));
            Assert.That(received, Is.Positive, $"the stream ended at {position}");
            Pattern.Verify(buffer.AsSpan(0, received), position);
            position += received;
        }
    }
}
