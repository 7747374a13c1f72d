using System.Net.Sockets;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.Tcp;

internal sealed class EndingTests(bool ring) : RelayFixture(ring)
{
    /// <summary>More than a program's socket takes before it is read, and less than the relay's socket holds.</summary>
    private const int UnackedBytes = 400_000;
    private const ulong OfTheTarget = 1;
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    [Test]
    public async Task IdleTimeout_WithoutAByte_ResetsBothSides()
    {
        await Scene.Loop.InvokeAsync(() => Scene.Group.IdleTimeout = 200);
        Conversation conversation = await Scene.StartAsync();
        await conversation.Client.SendAllAsync(new byte[1]);
        await conversation.Target.ReceiveExactlyAsync(1);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Idle));
        Assert.That(clock.ElapsedMilliseconds, Is.GreaterThan(100), "too early");
        Assert.That(await conversation.Client.EndingAsync(), Is.EqualTo(Ending.Reset));
        Assert.That(await conversation.Target.EndingAsync(), Is.EqualTo(Ending.Reset));
    }

    [Test]
    public async Task IdleTimeout_WithBytesNowAndThen_DoesNotRunOut()
    {
        await Scene.Loop.InvokeAsync(() => Scene.Group.IdleTimeout = 800);
        Conversation conversation = await Scene.StartAsync();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(1.6))
        {
            await conversation.Client.SendAllAsync(new byte[1]);
            await conversation.Target.ReceiveExactlyAsync(1);
        }
        Assert.That(conversation.Ended.IsCompleted, Is.False);
        await conversation.CloseAsync();
    }

    [TestCase(SocketKind.Tcp)]
    [TestCase(SocketKind.Unix)]
    public async Task IdleTimeout_WhileAClientTakesWhatTheKernelHolds_RunsOutOnlyAfterThat(SocketKind client)
    {
        const int Piece = 25_000;
        const int Idle = 1000;
        // What the program's own socket may hold: while only that is read nothing passes.
        const int OfTheProgram = 150_000;
        await Scene.Loop.InvokeAsync(() => Scene.Group.IdleTimeout = Idle);
        Conversation conversation = await Scene.StartAsync(client);
        Task sending = conversation.Target.SendPatternAsync(UnackedBytes);
        for (int read = 0; read < UnackedBytes; read += Piece)
        {
            Assert.That(await conversation.Client.ReceiveExactlyAsync(Piece), Is.EqualTo(Pattern.Take(Piece, read)));
            if (read < UnackedBytes - OfTheProgram)
                await Task.Delay(Idle / 8);
        }
        await sending;
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Idle));
        Assert.That(clock.ElapsedMilliseconds, Is.InRange(Idle / 4, 2 * Idle));
    }

    [Test]
    public async Task IdleTimeout_WhileAClientTakesNothing_RunsOut()
    {
        await Scene.Loop.InvokeAsync(() => Scene.Group.IdleTimeout = 800);
        Conversation conversation = await Scene.StartAsync();
        await conversation.Target.SendPatternAsync(UnackedBytes);
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Idle));
    }

    [Test]
    public async Task ChangeIdleTimeout_OfRunningRelays_IsObeyedBothWays()
    {
        Conversation conversation = await Scene.StartAsync();
        await Scene.Loop.InvokeAsync(() => Scene.Group.ChangeIdleTimeout(60_000));
        await Scene.Loop.InvokeAsync(() => Scene.Group.ChangeIdleTimeout(0));
        Assert.That(conversation.Ended.IsCompleted, Is.False);
        await Scene.Loop.InvokeAsync(() => Scene.Group.ChangeIdleTimeout(100));
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Idle));
    }

    [Test]
    public async Task AbortAllBut_ANamespace_EndsTheRelaysIntoTheOthers()
    {
        var old = new List<Conversation>();
        var stays = new List<Conversation>();
        for (int i = 0; i < 5; i++)
        {
            old.Add(await Scene.StartAsync(cookie: 1));
            stays.Add(await Scene.StartAsync(cookie: 2));
        }
        int count = 0;
        await Scene.Loop.InvokeAsync(() => count = Scene.Group.AbortAllBut(2));
        Assert.That(count, Is.EqualTo(5));
        foreach (Conversation conversation in old)
        {
            Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Aborted));
            Assert.That(await conversation.Client.EndingAsync(), Is.EqualTo(Ending.Reset));
            Assert.That(await conversation.Target.EndingAsync(), Is.EqualTo(Ending.Reset));
        }
        foreach (Conversation conversation in stays)
        {
            await conversation.Client.SendAllAsync(new byte[100]);
            await conversation.Target.ReceiveExactlyAsync(100);
            await conversation.CloseAsync();
        }
    }

    [Test]
    public async Task End_WithBytesThatTheTargetHasNotTaken_KeepsTheSocketUntilItHasReadThem()
    {
        Conversation conversation = await EndUntakenAsync();
        await Scene.Loop.InvokeAsync(() => Scene.Group.AbortAllBut(OfTheTarget));
        // Longer than between two looks.
        await Task.Delay(600);
        Assert.That(Scene.ClosingSockets, Is.EqualTo(1), "its descriptor counts");
        Assert.That(await conversation.Target.ReceivePatternAsync(), Is.EqualTo(UnackedBytes));
        await Eventually.TrueAsync(() => Scene.ClosingSockets == 0, s_deadline, "the socket is closed");
    }

    [Test]
    public async Task AbortAllBut_WhileATargetHasStillToTakeBytes_ResetsIt()
    {
        Conversation conversation = await EndUntakenAsync();
        int count = 0;
        await Scene.Loop.InvokeAsync(() => count = Scene.Group.AbortAllBut(OfTheTarget + 1));
        Assert.That(count, Is.Zero, "its client is served");
        Assert.That(await conversation.Target.EndingAsync(), Is.EqualTo(Ending.Reset));
        Assert.That(Scene.ClosingSockets, Is.Zero);
    }

    [Test]
    public async Task IdleTimeout_WhileATargetHasStillToTakeBytes_ResetsIt()
    {
        Conversation conversation = await EndUntakenAsync();
        await Scene.Loop.InvokeAsync(() => Scene.Group.ChangeIdleTimeout(500));
        await Eventually.TrueAsync(() => Scene.ClosingSockets == 0, s_deadline, "it is given up");
        Assert.That(await conversation.Target.EndingAsync(), Is.EqualTo(Ending.Reset));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task HandToKernel_WhileManyTargetsHaveStillToTakeBytes_TheyGetThemAll(bool bySuspending)
    {
        var conversations = new List<Conversation>();
        for (int i = 0; i < 70; i++)
            conversations.Add(await EndUntakenAsync());
        await Scene.Loop.InvokeAsync(() =>
        {
            if (bySuspending)
                Assert.That(Scene.Group.Suspend(), Is.Empty);
            else
                Scene.Group.HandToKernel();
        });
        Assert.That(Scene.ClosingSockets, Is.Zero);
        foreach (Conversation conversation in conversations)
            Assert.That(await conversation.Target.ReceivePatternAsync(), Is.EqualTo(UnackedBytes));
    }

    /// <summary>A relay that is over, and whose target has read nothing.</summary>
    private async Task<Conversation> EndUntakenAsync()
    {
        int before = Scene.ClosingSockets;
        Conversation conversation = await Scene.StartAsync(cookie: OfTheTarget);
        conversation.Target.Shutdown(SocketShutdown.Send);
        await conversation.Client.SendPatternAsync(UnackedBytes);
        conversation.Client.Shutdown(SocketShutdown.Send);
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
        Assert.That((Scene.Counters.Active, Scene.ClosingSockets), Is.EqualTo((0L, before + 1)), "it is no connection any more");
        Assert.That(await conversation.Client.EndingAsync(), Is.EqualTo(Ending.Closed));
        return conversation;
    }

    [Test]
    public async Task Relays_OneAfterTheOther_ReuseWhatTheLastLeft()
    {
        for (int i = 0; i < 300; i++)
        {
            using Conversation conversation = await Scene.StartAsync();
            await conversation.Client.SendAllAsync(Pattern.Take(100, i));
            Assert.That(await conversation.Target.ReceiveExactlyAsync(100), Is.EqualTo(Pattern.Take(100, i)));
            if (i % 3 == 0)
                conversation.Client.Reset();
            else
                await conversation.CloseAsync();
            await conversation.EndAsync();
        }
        await Eventually.TrueAsync(() => Scene.Counters.Active == 0, s_deadline, "none left");
    }
}
