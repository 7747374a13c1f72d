using System.Net.Sockets;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.Tcp;

/// <summary>
/// Small messages between TCP sockets go by the loop's ring where many come at a time; whatever is more than that leaves it, and no byte is lost on the way.
/// </summary>
[TestFixture, LeaksNothing]
internal sealed class RingTests
{
    /// <summary>More than the ring has buffers.</summary>
    private const int Many = 400;

    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(20);

    private RelayScene _scene = null!;

    [SetUp]
    public void MakeScene() => _scene = new RelayScene(ring: true, neverCalm: true);

    [TearDown]
    public async Task RemoveSceneAsync() => await _scene.DisposeAsync();

    [Test]
    public async Task SmallMessages_OfTcpSockets_GoByTheRing()
    {
        Conversation conversation = await _scene.StartAsync();
        await ExchangeAsync(conversation, 64, rounds: 10);
        Assert.That(await _scene.OnRingAsync(), Is.EqualTo(1));
        await conversation.CloseAsync();
        Assert.That(await _scene.OnRingAsync(), Is.Zero);
    }

    [TestCase(SocketKind.Tcp, SocketKind.Unix)]
    [TestCase(SocketKind.UnixHalf, SocketKind.Tcp)]
    public async Task SmallMessages_OfUnixSockets_DoNot(SocketKind client, SocketKind target)
    {
        Conversation conversation = await _scene.StartAsync(client, target);
        await ExchangeAsync(conversation, 64, rounds: 200);
        Assert.That(await _scene.OnRingAsync(), Is.Zero);
    }

    [Test]
    public async Task LongMessage_AmongSmallOnes_LeavesTheRingUntilThereWereManySmallOnes()
    {
        Conversation conversation = await _scene.StartAsync();
        await ExchangeAsync(conversation, 1000, rounds: 3);
        await ExchangeAsync(conversation, 100_000, rounds: 1);
        Assert.That(await _scene.OnRingAsync(), Is.Zero);
        await ExchangeAsync(conversation, 64, rounds: 100);
        Assert.That(await _scene.OnRingAsync(), Is.EqualTo(1));
        await ExchangeAsync(conversation, 5000, rounds: 2);
        Assert.That(await _scene.OnRingAsync(), Is.Zero);
        await conversation.CloseAsync();
    }

    [Test]
    public async Task SinkThatReadsNothing_OfSmallMessages_SlowsTheSenderAndGetsEveryByteLater()
    {
        Conversation conversation = await _scene.StartAsync();
        int sent = 0;
        var sending = Task.Run(() =>
        {
            conversation.Client.SendTimeout = 500;
            try
            {
                for (; ; sent += 100)
                    conversation.Client.Send(Pattern.Take(100, sent));
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                conversation.Client.Shutdown(SocketShutdown.Send);
            }
        });
        await sending.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.That(await _scene.OnRingAsync(), Is.Zero);
        Assert.That(await conversation.Target.ReceivePatternAsync(), Is.GreaterThanOrEqualTo(sent));
    }

    [Test]
    public async Task MessagesOfMoreConversationsThanThereAreBuffers_AllArrive()
    {
        var conversations = new List<Conversation>();
        for (int i = 0; i < Many; i++)
            conversations.Add(await _scene.StartAsync());
        for (int round = 0; round < 5; round++)
        {
            // All at once for the loop: it is kept busy until everything was sent.
            await _scene.Loop.InvokeAsync(() => conversations.ForEach(conversation => conversation.Client.Send("and so to bed"u8)));
            foreach (Conversation conversation in conversations)
                Assert.That(await conversation.Target.ReceiveExactlyAsync(13), Is.EqualTo("and so to bed"u8.ToArray()));
        }
        Assert.That(await _scene.OnRingAsync(), Is.InRange(1, Many), "relays without a buffer have left it");
    }

    [Test]
    public async Task Rest_OfManyOnTheRing_KeepsWhatWasOnItsWay()
    {
        var conversations = new List<Conversation>();
        for (int i = 0; i < Many; i++)
            conversations.Add(await _scene.StartAsync());
        await _scene.Loop.InvokeAsync(() => conversations.ForEach(conversation => conversation.Client.Send("before"u8)));
        await _scene.RestAsync(() => conversations.ForEach(conversation => conversation.Client.Send(" and after"u8)));
        foreach (Conversation conversation in conversations)
            Assert.That(await conversation.Target.ReceiveExactlyAsync(16), Is.EqualTo("before and after"u8.ToArray()));
        Assert.That(await _scene.OnRingAsync(), Is.Zero);
    }

    [Test]
    public async Task Abort_OfOneAmongMany_DisturbsNoOther()
    {
        var gone = new List<Conversation>();
        var stays = new List<Conversation>();
        for (int i = 0; i < Many / 2; i++)
        {
            gone.Add(await _scene.StartAsync(cookie: 1));
            stays.Add(await _scene.StartAsync(cookie: 2));
        }
        await _scene.Loop.InvokeAsync(() =>
        {
            gone.ForEach(conversation => conversation.Client.Send("lost"u8));
            stays.ForEach(conversation => conversation.Client.Send("kept"u8));
        });
        Assert.That(await _scene.Loop.InvokeAsync(() => _scene.Group.AbortAllBut(2)), Is.EqualTo(gone.Count));
        foreach (Conversation conversation in gone)
        {
            Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.Aborted));
            Assert.That(await conversation.Client.EndingAsync(), Is.EqualTo(Ending.Reset));
        }
        foreach (Conversation conversation in stays)
            Assert.That(await conversation.Target.ReceiveExactlyAsync(4), Is.EqualTo("kept"u8.ToArray()));
        Assert.That(await _scene.OnRingAsync(), Is.InRange(1, stays.Count), "relays without a buffer have left it");
    }

    [TestCase(0)]
    [TestCase(4 * RelayGroup.KeepAliveDelayMilliseconds)]
    public async Task Reset_AfterAHalfClose_IsSeenThoughNobodyReceives(int age)
    {
        Conversation conversation = await _scene.StartAsync();
        await ExchangeAsync(conversation, 64, rounds: 1);
        await Task.Delay(age);
        conversation.Client.Shutdown(SocketShutdown.Send);
        Assert.That(await conversation.Target.ReceivePatternAsync(), Is.Zero, "the end came");
        conversation.Client.Reset();
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.ClientReset));
        // The target has read the end: only a write finds the reset that came later.
        Assert.Throws<SocketException>(() => conversation.Target.Send("answer"u8));
    }

    [Test]
    public async Task Reset_RightBehindAMessage_ComesAfterIt()
    {
        for (int round = 0; round < 50; round++)
        {
            Conversation conversation = await _scene.StartAsync();
            await ExchangeAsync(conversation, 64, rounds: 1);
            await _scene.Loop.InvokeAsync(() =>
            {
                conversation.Target.Send("last words"u8);
                conversation.Target.Reset();
            });
            Assert.That(await conversation.Client.ReceiveExactlyAsync(10), Is.EqualTo("last words"u8.ToArray()), $"round {round}");
            Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.TargetReset), $"round {round}");
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Reset_WhileAMessageIsOnItsWayToWhoResets_IsNoOrderlyEndForTheOther(bool ofTheClient)
    {
        for (int round = 0; round < 20; round++)
        {
            // Several at once, so that messages are sent by requests, which are submitted after the reset.
            var conversations = new List<Conversation>();
            for (int i = 0; i < 4; i++)
                conversations.Add(await _scene.StartAsync());
            Conversation conversation = conversations[round % 4];
            var reset = new OneTurn((ofTheClient ? conversation.Client : conversation.Target).Reset);
            await _scene.Loop.InvokeAsync(() =>
            {
                foreach (Conversation any in conversations)
                    (ofTheClient ? any.Target : any.Client).Send("never taken"u8);
                _scene.Loop.Attach(reset);
                _scene.Loop.Yield(reset);
            });
            Assert.That(await (ofTheClient ? conversation.Target : conversation.Client).EndingAsync(), Is.EqualTo(Ending.Reset), $"round {round}");
            Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(ofTheClient ? EndReason.ClientReset : EndReason.TargetReset), $"round {round}");
        }
    }

    [Test]
    public async Task OtherSources_OfABusyRing_HaveTheirTurn()
    {
        Conversation conversation = await _scene.StartAsync();
        using var over = new CancellationTokenSource();
        var exchanging = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
                await ExchangeAsync(conversation, 64, rounds: 10);
        });
        for (int i = 0; i < 100; i++)
        {
            Conversation unix = await _scene.StartAsync(SocketKind.Unix, SocketKind.Unix).WaitAsync(s_deadline);
            await ExchangeAsync(unix, 64, rounds: 1).WaitAsync(s_deadline);
            await unix.CloseAsync();
        }
        await over.CancelAsync();
        await exchanging;
    }

    private static async Task ExchangeAsync(Conversation conversation, int bytes, int rounds)
    {
        byte[] message = Pattern.Take(bytes);
        for (int round = 0; round < rounds; round++)
        {
            (Socket? from, Socket? to) = round % 2 == 0 ? (conversation.Client, conversation.Target) : (conversation.Target, conversation.Client);
            await from.SendAllAsync(message);
            Assert.That(await to.ReceiveExactlyAsync(bytes), Is.EqualTo(message));
        }
    }

    /// <summary>Does something at one turn of the loop, after the events of that turn.</summary>
    private sealed class OneTurn(Action action) : EventSource
    {
        protected internal override void OnEvents(uint events, int end)
        {
        }

        protected internal override void OnResume() => action();
    }
}
