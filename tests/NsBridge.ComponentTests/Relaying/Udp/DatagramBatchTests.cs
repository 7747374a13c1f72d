using System.Net;
using System.Net.Sockets;
using NsBridge.Bridges.Listening;
using NsBridge.Linux.Interop;

namespace NsBridge.ComponentTests.Relaying.Udp;

internal sealed class DatagramBatchTests
{
    private const string Broadcast = "127.255.255.255";
    private const string Group = "239.1.2.3";

    [Test]
    public void Route_OfADatagramThatWaitedBeforeTheSocketWasAskedForAddresses_IsThatOfTheNext()
    {
        int socket = LoopbackPair.Bound();
        int client = LoopbackPair.Bound();
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

    [Test]
    public void Route_OfADatagramToMany_IsThatOfOneToTheInterfacesOwnAddress(
        [Values] bool six, [Values(Broadcast, "255.255.255.255", Group)] string many)
    {
        using Socket socket = Wildcard(six);
        UdpSocket.PrepareListener((int)socket.Handle);
        using Socket client = Client();
        SendTo(socket, client, many);
        SendTo(socket, client, "127.0.0.1");

        AssertOneRoute(socket);
    }

    [Test]
    public void Route_OfABroadcastThatWaitedBeforeTheSocketWasAskedForAddressesOfIPv4Too_IsThatOfTheNext()
    {
        using Socket socket = Wildcard(six: true);
        Libc.SetOption((int)socket.Handle, Libc.IPPROTO_IPV6, Libc.IPV6_RECVPKTINFO, 1);
        using Socket client = Client();
        SendTo(socket, client, Broadcast);
        UdpSocket.PrepareListener((int)socket.Handle);
        SendTo(socket, client, "127.0.0.1");

        AssertOneRoute(socket);
    }

    private static void AssertOneRoute(Socket socket)
    {
        using var batch = new DatagramBatch();
        Assert.That(batch.Receive((int)socket.Handle, 0), Is.EqualTo(2));
        Assert.Multiple(() =>
        {
            Assert.That(batch.Route(1).HasLocal);
            Assert.That(batch.Route(0), Is.EqualTo(batch.Route(1)));
        });
    }

    private static void SendTo(Socket socket, Socket client, string address) =>
        client.SendTo([1], new IPEndPoint(IPAddress.Parse(address), ((IPEndPoint)socket.LocalEndPoint!).Port));

    /// <summary>A socket of every address that hears the group.</summary>
    private static Socket Wildcard(bool six)
    {
        var socket = new Socket(six ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        if (six)
            socket.DualMode = true;
        socket.Bind(new IPEndPoint(six ? IPAddress.IPv6Any : IPAddress.Any, 0));
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(IPAddress.Parse(Group), IPAddress.Loopback));
        return socket;
    }

    /// <summary>A socket that sends to all from 127.0.0.1.</summary>
    private static Socket Client()
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { EnableBroadcast = true };
        client.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        client.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, BitConverter.ToInt32(IPAddress.Loopback.GetAddressBytes()));
        return client;
    }
}
