using System.Net;
using System.Net.Sockets;
using NsBridge.Linux.Interop;
using NsBridge.Testing;

namespace NsBridge.Linux.Tests.Sockets;

/// <summary>The accept queue of a listener.</summary>
[TestFixture, LeaksNothing]
internal sealed class AcceptQueueTests
{
    [Test]
    public void AcceptQueueLength_OfATcpListener_CountsConnectionsThatAreNotAccepted()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        int descriptor = (int)listener.Handle;
        Assert.That(Libc.AcceptQueueLength(descriptor), Is.Zero);

        using Socket first = Connected(listener);
        using Socket second = Connected(listener);
        Assert.That(() => Libc.AcceptQueueLength(descriptor), Is.EqualTo(2).After(2000, 10));

        listener.Accept().Dispose();
        Assert.That(Libc.AcceptQueueLength(descriptor), Is.EqualTo(1));
    }

    [Test]
    public void AcceptQueueLength_OfAUnixSocket_IsNotKnown()
    {
        Libc.SocketPair(Libc.SOCK_STREAM, out int one, out int other);
        Assert.That(Libc.AcceptQueueLength(one), Is.Negative);
        Libc.Close(one);
        Libc.Close(other);
    }

    private static Socket Connected(Socket listener)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        return client;
    }
}
