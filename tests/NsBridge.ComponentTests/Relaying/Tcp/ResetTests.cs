using System.Net.Sockets;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Relaying.Tcp;

internal sealed class ResetTests(bool ring) : RelayFixture(ring)
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    [TestCase(true)]
    [TestCase(false)]
    public async Task Reset_OfATcpEnd_ResetsTheOther(bool ofClient)
    {
        Conversation conversation = await Scene.StartAsync();
        (Socket? resets, Socket? sees) = ofClient ? (conversation.Client, conversation.Target) : (conversation.Target, conversation.Client);
        resets.Reset();
        Assert.That(await sees.EndingAsync(), Is.EqualTo(Ending.Reset));
        Assert.That(await conversation.EndAsync(), Is.EqualTo(new RelayOutcome(ofClient ? EndReason.ClientReset : EndReason.TargetReset, Errno.ECONNRESET)));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Reset_AfterTheEndsOwnHalfClose_ResetsTheOther(bool ofClient)
    {
        Conversation conversation = await Scene.StartAsync();
        (Socket? resets, Socket? sees) = ofClient ? (conversation.Client, conversation.Target) : (conversation.Target, conversation.Client);
        resets.Shutdown(SocketShutdown.Send);
        Assert.That(await sees.ReceivePatternAsync(), Is.Zero);
        resets.Reset();
        // The reader has read the end of the stream already: its next write fails.
        await conversation.EndAsync();
        Assert.That(async () => await SendUntilRefusedAsync(sees), Throws.InstanceOf<SocketException>());
    }

    [Test]
    public async Task Reset_WhileTheOtherEndStalls_IsNoticed()
    {
        Conversation conversation = await Scene.StartAsync();
        Task sending = conversation.Client.SendPatternAsync(64 << 20);
        await conversation.Target.ReceiveAsync(Memory<byte>.Empty);
        conversation.Client.Reset();
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.ClientReset));
        Assert.That(async () => await sending, Throws.Exception);
        Assert.That(await conversation.Target.EndingAsync(), Is.EqualTo(Ending.Reset));
    }

    [Test]
    public async Task Reset_AmidABulkStream_IsNeverAnOrderlyEnd()
    {
        // A socket reports its error to one call only, which may be any of those that move bytes.
        for (int round = 0; round < 40; round++)
        {
            Conversation conversation = await Scene.StartAsync();
            Task sending = conversation.Client.SendPatternAsync(64 << 20);
            await conversation.Target.ReceiveAsync(Memory<byte>.Empty);
            conversation.Client.Reset();
            Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.ClientReset), $"round {round}");
            Assert.That(await conversation.Target.EndingAsync(), Is.EqualTo(Ending.Reset), $"round {round}");
            Assert.That(async () => await sending, Throws.Exception);
        }
    }

    [Test]
    public async Task Reset_OfATcpEnd_IsMarkedOnTheOtherHalf()
    {
        Conversation conversation = await Scene.StartAsync(target: SocketKind.UnixHalf);
        conversation.Client.Reset();
        await conversation.EndAsync();
        Assert.That(MarkIsOn(conversation.Target), Is.True);
    }

    [Test]
    public async Task Reset_OfATcpEndWhileTheOtherHalfStalls_IsMarkedAllTheSame()
    {
        // A stalled half's socket has no room left, and the mark needs some.
        Conversation conversation = await Scene.StartAsync(target: SocketKind.UnixHalf);
        Task sending = conversation.Client.SendPatternAsync(64 << 20);
        await Eventually.SteadyAsync(() => Scene.Counters.BytesToTarget, TimeSpan.FromMilliseconds(300), s_deadline, "a full socket");
        conversation.Client.Reset();
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.ClientReset));
        Assert.That(async () => await sending, Throws.Exception);
        Assert.That(MarkIsOn(conversation.Target), Is.True);
    }

    [Test]
    public async Task ResetMark_OfAHalf_ResetsTheTcpEnd()
    {
        Conversation conversation = await Scene.StartAsync(client: SocketKind.UnixHalf);
        ResetMark.Send(conversation.Client.SafeHandle.DangerousGetHandle().ToInt32());
        Assert.That(await conversation.Target.EndingAsync(), Is.EqualTo(Ending.Reset));
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.ClientReset));
    }

    [Test]
    public async Task ResetMark_BeforeTheRelayBegan_ResetsTheTcpEnd()
    {
        Conversation conversation = await Scene.StartAsync(client: SocketKind.UnixHalf, before: async (early, waiting) =>
        {
            ResetMark.Send(early.Client.SafeHandle.DangerousGetHandle().ToInt32());
            early.Client.Close();
            await Eventually.TrueAsync(() => (waiting.Seen(0) & Libc.EPOLLHUP) != 0, s_deadline, "mark and end seen");
        });
        Assert.That(await conversation.Target.EndingAsync(), Is.EqualTo(Ending.Reset));
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.ClientReset));
    }

    [Test]
    public async Task ResetMark_BetweenTheEventAndTheRead_DoesNotPassForTheEndOfTheStream()
    {
        Conversation conversation = await Scene.StartAsync(
            client: SocketKind.UnixHalf,
            before: async (early, waiting) =>
            {
                await early.Client.SendAllAsync(new byte[100]);
                await Eventually.TrueAsync(() => (waiting.Seen(0) & Libc.EPOLLIN) != 0, s_deadline, "bytes seen");
            },
            unseen: early =>
            {
                ResetMark.Send(early.Client.SafeHandle.DangerousGetHandle().ToInt32());
                early.Client.Close();
            });
        Assert.That(await conversation.Target.EndingAsync(), Is.EqualTo(Ending.Reset));
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.ClientReset));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task ResetMark_RightAfterBytes_TheyArrive(bool ofClient)
    {
        const int length = 100_000;
        (Conversation? conversation, Socket? half, Socket? sees) = await StartWithHalfAsync(ofClient);
        // All of it before the relay looks.
        await Scene.Loop.InvokeAsync(() =>
        {
            SendWithMark(half, Pattern.Take(length));
            half.Close();
        });
        Assert.That(await sees.ReceiveExactlyAsync(length), Is.EqualTo(Pattern.Take(length)));
        Assert.That(await sees.EndingAsync(), Is.EqualTo(Ending.Reset));
        Assert.That(await conversation.EndAsync(), Is.EqualTo(new RelayOutcome(ofClient ? EndReason.ClientReset : EndReason.TargetReset, Errno.ECONNRESET)));
    }

    [Test]
    public async Task ResetMark_RightAfterBytesOfAHalfThatDoesNotClose_TheyArriveAndTheResetWithThem()
    {
        (Conversation? conversation, Socket? half, Socket? sees) = await StartWithHalfAsync(ofClient: false);
        await Scene.Loop.InvokeAsync(() => SendWithMark(half, Pattern.Take(1000)));
        Assert.That(await sees.ReceiveExactlyAsync(1000), Is.EqualTo(Pattern.Take(1000)));
        Assert.That(await sees.EndingAsync(), Is.EqualTo(Ending.Reset));
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.TargetReset));
    }

    [Test]
    public async Task ResetMark_BehindMoreThanTheOtherEndTakes_ResetsAllTheSame()
    {
        (Conversation? conversation, Socket? half, Socket? sees) = await StartWithHalfAsync(ofClient: false);
        int descriptor = half.SafeHandle.DangerousGetHandle().ToInt32();
        byte[] bytes = new byte[64 << 10];
        await Eventually.SteadyAsync(
            () =>
            {
                while (Libc.Send(descriptor, bytes) > 0)
                {
                }
                return Scene.Counters.BytesToClient;
            },
            TimeSpan.FromMilliseconds(300),
            s_deadline,
            "a full socket");
        ResetMark.Send(descriptor);
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.TargetReset));
        Assert.That(await sees.EndingAsync(), Is.EqualTo(Ending.Reset));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Half_ThatGoesAmidItsBytes_IsNoEndInGoodOrder(bool ofClient)
    {
        (Conversation? conversation, Socket? half, Socket? sees) = await StartWithHalfAsync(ofClient);
        await half.SendAllAsync(Pattern.Take(1000));
        half.Close();
        Assert.That(await sees.EndingAsync(), Is.EqualTo(Ending.Reset));
        Assert.That(await conversation.EndAsync(), Is.EqualTo(new RelayOutcome(ofClient ? EndReason.ClientReset : EndReason.TargetReset, Errno.ECONNRESET)));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Half_ThatGoesAfterItsOwnEnd_ResetsTheOtherWithoutWaitingForAWrite(bool ofClient)
    {
        (Conversation? conversation, Socket? half, Socket? sees) = await StartWithHalfAsync(ofClient);
        half.Shutdown(SocketShutdown.Send);
        Assert.That(await sees.ReceivePatternAsync(), Is.Zero);
        half.Close();
        Assert.That(await conversation.EndAsync(), Is.EqualTo(new RelayOutcome(ofClient ? EndReason.ClientReset : EndReason.TargetReset, Errno.ECONNRESET)));
    }

    private async Task<(Conversation Conversation, Socket Half, Socket Sees)> StartWithHalfAsync(bool ofClient)
    {
        Conversation conversation = ofClient ? await Scene.StartAsync(client: SocketKind.UnixHalf) : await Scene.StartAsync(target: SocketKind.UnixHalf);
        return ofClient ? (conversation, conversation.Client, conversation.Target) : (conversation, conversation.Target, conversation.Client);
    }

    private static void SendWithMark(Socket half, byte[] bytes)
    {
        int descriptor = half.SafeHandle.DangerousGetHandle().ToInt32();
        Assert.That(Libc.Send(descriptor, bytes), Is.EqualTo((nint)bytes.Length));
        ResetMark.Send(descriptor);
    }

    private static bool MarkIsOn(Socket socket) => ResetMark.IsOn(socket.SafeHandle.DangerousGetHandle().ToInt32());

    private static async Task SendUntilRefusedAsync(Socket socket)
    {
        while (true)
            await socket.SendAllAsync(new byte[1]);
    }

    [TestCase(SocketKind.Tcp)]
    [TestCase(SocketKind.UnixHalf)]
    public async Task Target_AnswersAndResetsWhileTheClientStillSends_AnswerArrives(SocketKind client)
    {
        Conversation conversation = await Scene.StartAsync(client);
        var sending = Task.Run(() => conversation.Client.SendPatternAsync(64 << 20));
        await Eventually.SteadyAsync(() => Scene.Counters.BytesToTarget, TimeSpan.FromMilliseconds(300), s_deadline, "stalled");
        // Both before the relay looks again: it finds an answer to read and a broken pipe to write to.
        await Scene.RestAsync(() =>
        {
            conversation.Target.Send("413 too large"u8);
            conversation.Target.Reset();
        });
        Assert.That(await conversation.Client.ReceiveExactlyAsync(13), Is.EqualTo("413 too large"u8.ToArray()));
        Assert.That((await conversation.EndAsync()).Ending, Is.EqualTo(EndReason.TargetReset));
        Assert.That(async () => await sending, Throws.Exception);
    }
}
