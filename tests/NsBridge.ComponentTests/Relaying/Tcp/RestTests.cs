using System.Net.Sockets;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.Tcp;

/// <summary>A relay that is brought to rest at any moment and goes on elsewhere is, for its ends, one that never rested.</summary>
internal sealed class RestTests(bool ring) : RelayFixture(ring)
{
    private const int Megabytes = 128 << 20;
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);

    [TestCase(SocketKind.Tcp, SocketKind.Tcp)]
    [TestCase(SocketKind.Tcp, SocketKind.UnixHalf)]
    [TestCase(SocketKind.Unix, SocketKind.Tcp)]
    public async Task Rest_AgainAndAgainUnderLoadBothWays_NoByteIsLost(SocketKind client, SocketKind target)
    {
        Conversation conversation = await Scene.StartAsync(client, target);
        var over = Task.WhenAll(
            PassAsync(conversation.Client, conversation.Target),
            PassAsync(conversation.Target, conversation.Client));
        int rests = 0;
        for (; !over.IsCompleted; rests++)
            await Scene.RestAsync();
        await over;
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
        Assert.That(rests, Is.GreaterThan(10));
        Assert.That((Scene.Counters.BytesToTarget, Scene.Counters.BytesToClient), Is.EqualTo(((long)Megabytes, (long)Megabytes)));
    }

    [Test]
    public async Task Rest_WithBytesThatNobodyTakes_KeepsThem()
    {
        Conversation conversation = await Scene.StartAsync();
        Task sending = PassOnAsync(conversation.Client);
        await Eventually.SteadyAsync(() => Scene.Counters.BytesToTarget, TimeSpan.FromMilliseconds(300), s_deadline, "stalled");
        await Scene.RestAsync();
        await Scene.RestAsync();
        Assert.That(await conversation.Target.ReceivePatternAsync(), Is.EqualTo(Megabytes));
        await sending;
        conversation.Target.Shutdown(SocketShutdown.Send);
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
    }

    [Test]
    public async Task Rest_AfterAHalfClose_StillBringsTheAnswer()
    {
        Conversation conversation = await Scene.StartAsync();
        await conversation.Client.SendAllAsync("ask"u8.ToArray());
        conversation.Client.Shutdown(SocketShutdown.Send);
        Assert.That(await conversation.Target.ReceiveExactlyAsync(3), Is.EqualTo("ask"u8.ToArray()));
        Assert.That(await conversation.Target.ReceivePatternAsync(), Is.Zero, "the end came");
        await Scene.RestAsync();
        await conversation.Target.SendPatternAsync(100_000);
        conversation.Target.Shutdown(SocketShutdown.Send);
        Assert.That(await conversation.Client.ReceivePatternAsync(), Is.EqualTo(100_000));
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
    }

    [TestCase(SocketKind.Tcp)]
    [TestCase(SocketKind.UnixHalf)]
    public async Task Rest_WhileTheClientResets_TargetSeesAReset(SocketKind target)
    {
        Conversation conversation = await Scene.StartAsync(target: target);
        await Scene.RestAsync(conversation.Client.Reset);
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.ClientReset));
        if (target == SocketKind.Tcp)
            Assert.That(await conversation.Target.EndingAsync(), Is.EqualTo(Ending.Reset));
    }

    [Test]
    public async Task Rest_WhileBothEndsSayTheirLastWord_BothHearIt()
    {
        Conversation conversation = await Scene.StartAsync();
        await Scene.RestAsync(() =>
        {
            conversation.Client.Send("from the client"u8);
            conversation.Client.Shutdown(SocketShutdown.Send);
            conversation.Target.Send("from the target"u8);
            conversation.Target.Shutdown(SocketShutdown.Send);
        });
        Assert.That(await conversation.Target.ReceiveExactlyAsync(15), Is.EqualTo("from the client"u8.ToArray()));
        Assert.That(await conversation.Client.ReceiveExactlyAsync(15), Is.EqualTo("from the target"u8.ToArray()));
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
    }

    [Test]
    public async Task Rest_OfAnIdleRelay_DoesNotMakeItYoungerForTheIdleTimeout()
    {
        await Scene.Loop.InvokeAsync(() => Scene.Group.IdleTimeout = 600);
        Conversation conversation = await Scene.StartAsync();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!conversation.Ended.IsCompleted && clock.Elapsed < TimeSpan.FromSeconds(10))
        {
            await Scene.RestAsync();
            await Task.Delay(4 * RelayGroup.KeepAliveDelayMilliseconds);
        }
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Idle));
        Assert.That(clock.Elapsed, Is.LessThan(TimeSpan.FromSeconds(3)));
    }

    private static async Task PassAsync(Socket from, Socket to)
    {
        Task sending = PassOnAsync(from);
        Assert.That(await to.ReceivePatternAsync(), Is.EqualTo(Megabytes));
        await sending;
    }

    private static async Task PassOnAsync(Socket from)
    {
        await from.SendPatternAsync(Megabytes);
        from.Shutdown(SocketShutdown.Send);
    }
}
