using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.Tcp;

internal sealed class BackPressureTests(bool ring) : RelayFixture(ring)
{
    private const int Each = 64 << 20;
    private const int Streams = 16;
    private const int RoundTrips = 50;
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(60);

    [TestCase(SocketKind.Tcp)]
    [TestCase(SocketKind.UnixHalf)]
    public async Task Stall_OfManyReaders_StopsTheWritersAndCostsOneBlockEach(SocketKind target)
    {
        long before = ProcessFacts.ResidentBytes(Environment.ProcessId);
        var conversations = new List<Conversation>();
        for (int i = 0; i < Streams; i++)
            conversations.Add(await Scene.StartAsync(target: target));
        var sending = conversations.Select(conversation => Task.Run(async () =>
        {
            await conversation.Client.SendPatternAsync(Each);
            conversation.Client.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        })).ToList();
        await Eventually.SteadyAsync(() => Scene.Counters.BytesToTarget, TimeSpan.FromMilliseconds(500), s_deadline, "all stalled");

        Assert.That(sending.Any(task => task.IsCompleted), Is.False, "a writer got rid of everything");
        Assert.That(ProcessFacts.ResidentBytes(Environment.ProcessId) - before,
            Is.LessThan(Streams * BlockPool.Largest + (24L << 20)), "resident memory of the stall");

        // Two of them drain: every byte is there. The others are simply ended.
        foreach (Conversation? conversation in conversations.Take(2))
        {
            Assert.That(await conversation.Target.ReceivePatternAsync(), Is.EqualTo(Each));
            conversation.Target.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
        }
        await Scene.Loop.InvokeAsync(() => Scene.Group.AbortAllBut(0));
        Assert.That(async () => await Task.WhenAll(sending), Throws.Exception);
    }

    [Test]
    public async Task Bulk_OfManyStreams_DoesNotStarveASmallOne()
    {
        bool isOver = false;
        var bulk = new List<Task>();
        for (int i = 0; i < 8; i++)
        {
            Conversation conversation = await Scene.StartAsync();
            bulk.Add(Task.Run(() => PumpAsync(conversation, () => Volatile.Read(ref isOver))));
        }
        Conversation small = await Scene.StartAsync();
        var echoing = Task.Run(() => Serve.Echo(small.Target, CancellationToken.None));
        await Eventually.TrueAsync(() => Scene.Counters.BytesToTarget > 8 << 20, s_deadline, "the bulk streams under way");

        TimeSpan slowest = TimeSpan.Zero;
        for (int i = 0; i < RoundTrips; i++)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            await small.Client.EchoAsync([1, 2, 3, 4]);
            slowest = clock.Elapsed > slowest ? clock.Elapsed : slowest;
        }
        Volatile.Write(ref isOver, true);
        await Task.WhenAll(bulk);
        TestContext.Out.WriteLine($"slowest of {RoundTrips} round trips: {slowest.TotalMilliseconds:0.0} ms");
        // Generous, because the machine may be busy: a starved one would have to wait for the bulk streams' end.
        Assert.That(slowest, Is.LessThan(TimeSpan.FromSeconds(2)));
        small.Client.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        await echoing;
    }

    private static async Task PumpAsync(Conversation conversation, Func<bool> isOver)
    {
        byte[] bytes = new byte[1 << 20];
        var reading = Task.Run(async () =>
        {
            byte[] buffer = new byte[1 << 20];
            while (await conversation.Target.ReceiveAsync(buffer) > 0)
            {
            }
        });
        while (!isOver())
            await conversation.Client.SendAllAsync(bytes);
        conversation.Client.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        await reading;
    }
}
