using System.Net.Sockets;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.Tcp;

internal sealed class HalfCloseTests(bool ring) : RelayFixture(ring)
{
    private const int Length = 300_000;

    [TestCase(SocketKind.Tcp, SocketKind.Tcp)]
    [TestCase(SocketKind.Unix, SocketKind.Tcp)]
    [TestCase(SocketKind.Tcp, SocketKind.Unix)]
    [TestCase(SocketKind.UnixHalf, SocketKind.UnixHalf)]
    public async Task HalfClose_OfTheClient_LetsTheLateReplyThrough(SocketKind client, SocketKind target)
    {
        Conversation conversation = await Scene.StartAsync(client, target);
        await RequestAndLateReplyAsync(conversation.Client, conversation.Target);
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
        Assert.That((Scene.Counters.BytesToTarget, Scene.Counters.BytesToClient), Is.EqualTo(((long)Length, (long)Length)));
    }

    [TestCase(SocketKind.Tcp, SocketKind.Tcp)]
    [TestCase(SocketKind.Unix, SocketKind.UnixHalf)]
    public async Task HalfClose_OfTheTarget_LetsTheLateRequestThrough(SocketKind client, SocketKind target)
    {
        Conversation conversation = await Scene.StartAsync(client, target);
        await RequestAndLateReplyAsync(conversation.Target, conversation.Client);
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
    }

    [Test]
    public async Task HalfClose_BeforeTheRelayBegan_IsPassedOn()
    {
        Conversation conversation = await Scene.StartAsync(before: async (early, waiting) =>
        {
            await early.Client.SendPatternAsync(1000);
            early.Client.Shutdown(SocketShutdown.Send);
            await Eventually.TrueAsync(() => (waiting.Seen(0) & Linux.Interop.Libc.EPOLLRDHUP) != 0, TimeSpan.FromSeconds(5), "the half-close seen");
        });
        Assert.That(await conversation.Target.ReceivePatternAsync(), Is.EqualTo(1000));
        await conversation.Target.SendPatternAsync(Length);
        conversation.Target.Shutdown(SocketShutdown.Send);
        Assert.That(await conversation.Client.ReceivePatternAsync(), Is.EqualTo(Length));
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
    }

    [Test]
    public async Task HalfClose_OfBothWithoutAByte_EndsTheRelay() => await (await Scene.StartAsync()).CloseAsync();

    [Test]
    public async Task HalfClose_WhileTheReaderStalls_ComesAfterTheLastByte()
    {
        const int much = 32 << 20;
        Conversation conversation = await Scene.StartAsync();
        var sending = Task.Run(async () =>
        {
            await conversation.Client.SendPatternAsync(much);
            conversation.Client.Shutdown(SocketShutdown.Send);
        });
        // The first byte is there, and the sender cannot be done: what it sends is more than all buffers hold.
        await conversation.Target.ReceiveAsync(Memory<byte>.Empty);
        Assert.That(sending.IsCompleted, Is.False);
        Assert.That(await conversation.Target.ReceivePatternAsync(), Is.EqualTo(much));
        await sending;
        await conversation.Target.SendPatternAsync(10);
        conversation.Target.Shutdown(SocketShutdown.Send);
        Assert.That(await conversation.Client.ReceivePatternAsync(), Is.EqualTo(10));
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Closed));
    }

    private static async Task RequestAndLateReplyAsync(Socket asks, Socket answers)
    {
        Task<long> request = answers.ReceivePatternAsync();
        await asks.SendPatternAsync(Length);
        asks.Shutdown(SocketShutdown.Send);
        Assert.That(await request, Is.EqualTo(Length), "the request, to its end");
        Task<long> reply = asks.ReceivePatternAsync();
        await answers.SendPatternAsync(Length);
        answers.Shutdown(SocketShutdown.Send);
        Assert.That(await reply, Is.EqualTo(Length), "the reply, to its end");
    }
}
