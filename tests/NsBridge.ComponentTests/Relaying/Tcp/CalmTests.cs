using System.Net.Sockets;
using NsBridge.Relaying.Halves;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.Tcp;

/// <summary>A conversation that is alone on its loop leaves the ring, and comes back when others talk as well.</summary>
[TestFixture, LeaksNothing]
internal sealed class CalmTests
{
    private const int Crowd = 8;

    /// <summary>Fewer messages than one that comes alone may stay on the ring for.</summary>
    private const int FarFromAlone = 20;

    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(20);

    private RelayScene _scene = null!;

    [SetUp]
    public void MakeScene() => _scene = new RelayScene(ring: true);

    [TearDown]
    public async Task RemoveSceneAsync() => await _scene.DisposeAsync();

    [Test]
    public async Task Conversation_WithNobodyElse_LeavesTheRing()
    {
        Conversation conversation = await _scene.StartAsync();
        Assert.That(await _scene.OnRingAsync(), Is.EqualTo(1), "where it begins");
        for (int round = 0; round < FarFromAlone; round++)
            await TalkAsync([conversation], round);
        Assert.That(await _scene.OnRingAsync(), Is.EqualTo(1), "it may not stay alone");
        for (int round = FarFromAlone; round < 100; round++)
            await TalkAsync([conversation], round);
        Assert.That(await _scene.OnRingAsync(), Is.Zero);
        await conversation.CloseAsync();
    }

    [Test]
    public async Task Conversation_ThatIsSilent_LeavesTheRing()
    {
        Conversation conversation = await _scene.StartAsync();
        await Eventually.TrueAsync(async () => await _scene.OnRingAsync() == 0, s_deadline, "the relay has left the ring");
        await TalkAsync([conversation], 0);
        await conversation.CloseAsync();
    }

    [Test]
    public async Task Conversations_ThatTalkAtTheSameTime_AreOnTheRing([Values] bool wereSilent)
    {
        List<Conversation> conversations = await StartManyAsync();
        if (wereSilent)
            await Eventually.TrueAsync(async () => await _scene.OnRingAsync() == 0, s_deadline, "all have left the ring");
        await TalkUntilAsync(conversations, Crowd);
    }

    [Test]
    public async Task Conversations_OfWhichOneGoesOn_LeaveTheRingAndComeBack()
    {
        List<Conversation> conversations = await StartManyAsync();
        for (int turn = 0; turn < 2; turn++)
        {
            await TalkUntilAsync(conversations, Crowd);
            await TalkUntilAsync([conversations[turn]], 0);
        }
        conversations[0].Client.Reset();
        Assert.That((await conversations[0].EndAsync()).Ending, Is.EqualTo(EndReason.ClientReset));
        foreach (Conversation? other in conversations.Skip(1))
            await other.CloseAsync();
    }

    [Test]
    public async Task Messages_ThatComeAlone_ToASinkThatIsFull_ArriveLater([Values(100, 700, 1000)] int size)
    {
        Conversation conversation = await _scene.StartAsync(narrowTarget: true);
        int sent = 0;
        for (; sent < FarFromAlone * size && await _scene.OnRingAsync() == 1; sent += size)
            conversation.Client.Send(Pattern.Take(size, sent));
        Assert.That(await _scene.OnRingAsync(), Is.Zero, "it has left the ring for its sink");
        conversation.Client.Shutdown(SocketShutdown.Send);
        Assert.That(await conversation.Target.ReceivePatternAsync(), Is.EqualTo(sent));
    }

    private async Task<List<Conversation>> StartManyAsync()
    {
        var conversations = new List<Conversation>();
        for (int i = 0; i < Crowd; i++)
            conversations.Add(await _scene.StartAsync());
        return conversations;
    }

    private async Task TalkUntilAsync(List<Conversation> conversations, int onRing)
    {
        int round = 0;
        await Eventually.TrueAsync(
            async () =>
            {
                for (int i = 0; i < 10; i++)
                    await TalkAsync(conversations, round++);
                return await _scene.OnRingAsync() == onRing;
            },
            s_deadline,
            $"{onRing} relays on the ring");
    }

    /// <summary>Each client sends a message in the same turn of the loop, and each target receives it; then the other way round.</summary>
    private async Task TalkAsync(List<Conversation> conversations, int round)
    {
        byte[] message = Pattern.Take(1 + round % 100, round);
        await _scene.Loop.InvokeAsync(() => conversations.ForEach(conversation => conversation.Client.Send(message)));
        foreach (Conversation conversation in conversations)
            Assert.That(await conversation.Target.ReceiveExactlyAsync(message.Length), Is.EqualTo(message));
        await _scene.Loop.InvokeAsync(() => conversations.ForEach(conversation => conversation.Target.Send(message)));
        foreach (Conversation conversation in conversations)
            Assert.That(await conversation.Client.ReceiveExactlyAsync(message.Length), Is.EqualTo(message));
    }
}
