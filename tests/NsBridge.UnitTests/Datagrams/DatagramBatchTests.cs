using NsBridge.Linux.Interop;

namespace NsBridge.UnitTests.Datagrams;

internal sealed class DatagramBatchTests
{
    [Test]
    public void Route_OfADatagramThatWaitedBeforeTheSocketWasAskedForAddresses_IsThatOfTheNext()
    {
        var socket = LoopbackPair.Bound();
        var client = LoopbackPair.Bound();
        LoopbackPair.Connect(client, socket);
        Libc.Send(client, [1]);
        Libc.SetOption(socket, Libc.IPPROTO_IP, Libc.IP_PKTINFO, 1);
        Libc.Send(client, [2]);

        using var batch = new DatagramBatch();
        Assert.That(batch.Receive(socket, 0), Is.EqualTo(2));

        Assert.Multiple(() =>
        {
            Assert.That(batch.Route(1).HasLocal);
            Assert.That(batch.Route(0), Is.EqualTo(batch.Route(1)));
        });
        Libc.Close(client);
        Libc.Close(socket);
    }
}
