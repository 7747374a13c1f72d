using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using NsBridge.Linux.Interop;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests.Sockets;

/// <summary>The same figure as SIOCOUTQ, without ioctl(2).</summary>
[TestFixture, LeaksNothing]
internal sealed class UnackedBytesTests
{
    private const nuint SIOCOUTQ = 0x5411;

    [TestCase(true)]
    [TestCase(false)]
    public void UnackedBytes_OfATcpSocket_AreThoseThatItsPeerHasNotAcknowledged(bool isOfTheClient)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        using Socket accepted = listener.Accept();
        (Socket writer, Socket reader) = isOfTheClient ? (client, accepted) : (accepted, client);
        writer.Blocking = false;
        int descriptor = (int)writer.Handle;
        Assert.That(Libc.UnackedBytes(descriptor), Is.Zero);

        byte[] piece = new byte[65_536];
        while (Libc.Send(descriptor, piece) > 0)
            continue;
        // The reader's window closes after a while.
        Assert.That(() => Math.Abs(Libc.UnackedBytes(descriptor) - OutputQueue(descriptor)), Is.LessThanOrEqualTo(1).After(2000, 10));
        Assert.That(Libc.UnackedBytes(descriptor), Is.GreaterThan(1));

        writer.Shutdown(SocketShutdown.Send);
        while (reader.Receive(piece) > 0)
            continue;
        Assert.That(() => Libc.UnackedBytes(descriptor), Is.Zero.After(2000, 10));
    }

    [Test]
    public void UnackedBytes_OfAUnixSocket_AreTheMemoryOfWhatIsNotRead()
    {
        Libc.SocketPair(Libc.SOCK_STREAM, out int writer, out int reader);
        Libc.Send(writer, new byte[1000]);
        Assert.That(Libc.UnackedBytes(writer), Is.Positive.And.EqualTo(OutputQueue(writer)));
        Libc.Receive(reader, new byte[1000]);
        Assert.That(Libc.UnackedBytes(writer), Is.Zero);
        Libc.Close(writer);
        Libc.Close(reader);
    }

    [Test]
    public void UnackedBytes_OfNoSocket_AreNone() => Assert.That(Libc.UnackedBytes(-1), Is.Zero);

    private static int OutputQueue(int descriptor)
    {
        Assert.That(ioctl(descriptor, SIOCOUTQ, out int bytes), Is.Zero);
        return bytes;
    }

    // A source-generated import would need unsafe code, which the tests do without.
#pragma warning disable SYSLIB1054
    [DllImport("libc")]
    private static extern int ioctl(int descriptor, nuint request, out int value);
#pragma warning restore SYSLIB1054
}
