using NsBridge.Linux.Interop;
using NsBridge.Relaying.Udp;

namespace NsBridge.ComponentTests.Relaying.Udp;

/// <summary>Datagrams read in a batch leave with the borders they came with, whether they travel in a train or alone.</summary>
internal sealed class DatagramOutboxTests
{
    private static readonly object[] s_runs =
    [
        new[] { 100, 100, 100 },
        new[] { 100, 100, 40 },
        new[] { 100, 40, 100, 100 },
        new[] { 40, 100 },
        new[] { 0, 0, 100, 0 },
        new[] { 1, 1, 1, 1, 1, 1, 1, 1 },
        new[] { 9000, 9000, 9000, 9000 },
        new[] { 65_507 },
    ];

    [TestCaseSource(nameof(s_runs))]
    public void Datagrams_SentOn_KeepTheirBorders(int[] lengths)
    {
        using var inbound = new LoopbackPair();
        using var outbound = new LoopbackPair();
        using var batch = new DatagramBatch();
        using var outbox = new DatagramOutbox();
        foreach (int length in lengths)
            Assert.That(Libc.Send(inbound.First, new byte[length]), Is.EqualTo((nint)length));

        int count = batch.Receive(inbound.Second, 0);
        Assert.That(count, Is.EqualTo(lengths.Length));
        for (int slot = 0; slot < count; slot++)
            Put(outbox, batch, slot);
        int largest = DatagramSending.NoLimit;
        SendResult tally = DatagramSending.Send(outbox, outbound.First, isConnected: true, ref largest);

        Assert.That(tally.Failed, Is.EqualTo(Errno.None));
        Assert.That(tally.Bytes, Is.EqualTo(lengths.Sum()));
        Assert.That(LoopbackPair.Lengths(outbound.Second), Is.EqualTo(lengths));
    }

    [Test]
    public void Datagrams_OfOneSize_AreOneMessage()
    {
        using var pair = new LoopbackPair();
        using var batch = new DatagramBatch();
        using var outbox = new DatagramOutbox();
        for (int i = 0; i < 20; i++)
            Libc.Send(pair.First, new byte[200]);

        int count = batch.Receive(pair.Second, 0);
        for (int slot = 0; slot < count; slot++)
            Put(outbox, batch, slot);

        Assert.That(outbox.Count, Is.EqualTo(1));
        Assert.That(outbox.TrainSegment(0), Is.EqualTo(200));
    }

    [Test]
    public void Train_SentApart_IsTheSameDatagrams()
    {
        using var inbound = new LoopbackPair();
        using var outbound = new LoopbackPair();
        using var batch = new DatagramBatch();
        using var outbox = new DatagramOutbox();
        int[] lengths = [300, 300, 300, 20];
        foreach (int length in lengths)
            Libc.Send(inbound.First, new byte[length]);
        int count = batch.Receive(inbound.Second, 0);
        for (int slot = 0; slot < count; slot++)
            Put(outbox, batch, slot);
        outbox.Seal();

        Assert.That(outbox.SendApart(outbound.First, 0), Is.EqualTo(lengths.Sum()));
        Assert.That(LoopbackPair.Lengths(outbound.Second), Is.EqualTo(lengths));
    }

    [Test]
    public void Train_ReceivedWhole_IsCutIntoItsDatagramsAgain()
    {
        using var inbound = new LoopbackPair();
        using var outbound = new LoopbackPair();
        using var batch = new DatagramBatch();
        using var outbox = new DatagramOutbox();
        Libc.SetOption(inbound.Second, Libc.IPPROTO_UDP, Libc.UDP_GRO, 1);
        for (int i = 0; i < 10; i++)
            Libc.Send(outbound.First, new byte[500]);
        int count = batch.Receive(outbound.Second, 0);
        for (int slot = 0; slot < count; slot++)
            Put(outbox, batch, slot);
        int largest = DatagramSending.NoLimit;
        DatagramSending.Send(outbox, inbound.First, isConnected: true, ref largest);

        count = batch.Receive(inbound.Second, 0);
        Assert.That(count, Is.EqualTo(1), "ten datagrams came as one message");
        Assert.That(batch.Segment(0), Is.EqualTo(500));
        outbox.Clear();
        Put(outbox, batch, 0);
        DatagramSending.Send(outbox, outbound.First, isConnected: true, ref largest);

        Assert.That(LoopbackPair.Lengths(outbound.Second), Is.EqualTo(Enumerable.Repeat(500, 10)));
        outbox.Clear();
        outbox.Precede(28);
        Put(outbox, batch, 0);
        SendResult tally = DatagramSending.Send(outbox, outbound.First, isConnected: true, ref largest);

        Assert.That(tally.Bytes, Is.EqualTo(5000), "the header does not count");
        Assert.That(LoopbackPair.Lengths(outbound.Second), Is.EqualTo(Enumerable.Repeat(500, 9).Prepend(528)));
    }

    [Test]
    public void Refusal_OfAConnectedSocket_IsAFailureOfTheSocket()
    {
        int closed = LoopbackPair.Bound();
        int socket = LoopbackPair.Bound();
        LoopbackPair.Connect(socket, closed);
        Libc.Close(closed);
        using var pair = new LoopbackPair();
        using var batch = new DatagramBatch();
        using var outbox = new DatagramOutbox();
        Libc.Send(pair.First, new byte[10]);
        batch.Receive(pair.Second, 0);
        int largest = DatagramSending.NoLimit;
        SendResult tally = default;
        // The second send returns the reply to the first at the latest.
        for (int i = 0; i < 2 && tally.Failed == Errno.None; i++)
        {
            outbox.Clear();
            Put(outbox, batch, 0);
            tally = DatagramSending.Send(outbox, socket, isConnected: true, ref largest);
        }
        Libc.Close(socket);

        Assert.That(tally.Failed, Is.EqualTo(Errno.ECONNREFUSED));
    }

    private static void Put(DatagramOutbox outbox, DatagramBatch batch, int slot)
    {
        if (outbox.Count == 0 || !outbox.TryJoin(batch.Address(slot), batch.Length(slot), batch.Segment(slot), DatagramSending.NoLimit))
            outbox.Add(batch.Address(slot), batch.Length(slot), batch.Segment(slot));
    }
}
