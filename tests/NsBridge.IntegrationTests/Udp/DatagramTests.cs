using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Udp;

/// <summary>Datagrams pass as they are, to the right one and from the right address.</summary>
[Promise("udp.flows")]
internal sealed class DatagramTests : UdpFixture
{
    private static readonly int[] s_sizes = [0, 1, 100, 1472, 1473, 9000, 40_000, 65_507];

    [Test]
    public async Task Datagrams_OfEverySize_KeepTheirBorders()
    {
        (TestNamespace _, UdpTarget? target, DaemonProcess? daemon, IPEndPoint? listen) = await UdpSceneAsync();
        UdpClientSocket client = Client(listen);
        foreach (int size in s_sizes)
            await client.EchoAsync(Pattern.Take(size));

        Assert.That(target.Senders, Has.Count.EqualTo(1), "one client address is one flow");
        JsonElement bytes = (await daemon.StatusAsync()).GetProperty("bridges")[0].GetProperty("bytes");
        Assert.That(bytes.GetProperty("toTarget").GetInt64(), Is.EqualTo(s_sizes.Sum()));
        Assert.That(bytes.GetProperty("toClient").GetInt64(), Is.EqualTo(s_sizes.Sum()));
    }

    [Test]
    public async Task Datagrams_InABurst_ComeInOrderAndWhole()
    {
        (TestNamespace _, UdpTarget _, DaemonProcess _, IPEndPoint? listen) = await UdpSceneAsync();
        UdpClientSocket client = Client(listen);
        // Runs of one size, which travel together, with others between.
        var burst = Enumerable.Range(0, 100).Select(number => Pattern.Take(number % 9 == 0 ? 50 + number : 700)).ToList();
        foreach (byte[][] part in burst.Chunk(25))
        {
            foreach (byte[]? datagram in part)
                client.Send(datagram);
            foreach (byte[]? datagram in part)
                Assert.That(await client.ReceiveAsync(), Is.EqualTo(datagram));
        }
    }

    [Test]
    public async Task Clients_Interleaved_GetTheirOwnAnswersOnly()
    {
        const int Clients = 50, Rounds = 40;
        (TestNamespace _, UdpTarget? target, DaemonProcess _, IPEndPoint? listen) = await UdpSceneAsync();
        var clients = Enumerable.Range(0, Clients).Select(_ => Client(listen)).ToList();
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < Clients; i++)
                clients[i].Send(BitConverter.GetBytes(i * 1000 + round));
            for (int i = 0; i < Clients; i++)
                Assert.That(await clients[i].ReceiveAsync(), Is.EqualTo(BitConverter.GetBytes(i * 1000 + round)));
        }
        Assert.That(target.Senders, Has.Count.EqualTo(Clients), "each client address has its own flow");
    }

    [TestCase("127.0.0.1")]
    [TestCase("127.44.0.9")]
    [TestCase("::1")]
    public async Task Answer_OfAWildcardListener_LeavesFromTheAddressThatWasAsked(string address)
    {
        int port = HostSockets.FreePort();
        await UdpSceneAsync(entry => entry with { Listen = $"*:{port}" });
        var asked = new IPEndPoint(IPAddress.Parse(address), port);
        UdpClientSocket client = Client(asked);

        await client.EchoAsync(Hello);

        Assert.That(client.Answerer, Is.EqualTo(asked));
    }

    [TestCase("*")]
    [TestCase("0.0.0.0")]
    public async Task Answer_ToABroadcast_LeavesFromTheInterfacesOwnAddress(string wildcard)
    {
        int port = HostSockets.FreePort();
        await UdpSceneAsync(entry => entry with { Listen = $"{wildcard}:{port}" });
        UdpClientSocket client = Client(new IPEndPoint(IPAddress.Parse("127.255.255.255"), port), IPAddress.Loopback);

        await client.EchoAsync(Hello);

        Assert.That(client.Answerer, Is.EqualTo(new IPEndPoint(IPAddress.Loopback, port)));
    }

    [Test]
    public async Task Listener_AskedAtTwoAddresses_HasAFlowForEach()
    {
        int port = HostSockets.FreePort();
        (TestNamespace _, UdpTarget? target, DaemonProcess _, IPEndPoint _) =
            await UdpSceneAsync(entry => entry with { Listen = $"*:{port}" });
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.SendTo(Hello, new IPEndPoint(IPAddress.Parse("127.0.0.2"), port));
        socket.SendTo(Hello, new IPEndPoint(IPAddress.Parse("127.0.0.3"), port));
        await Eventually.TrueAsync(() => target.Senders.Count == 2, Soon, "two flows");
    }

    [Test]
    public async Task Range_EachPort_LeadsToItsOwn()
    {
        TestNamespace space = await NamespaceAsync();
        int ports = HostSockets.FreePorts(3);
        int inside = HostSockets.FreePorts(3);
        var targets = Enumerable.Range(inside, 3).Select(port => Own(UdpTarget.Start(space, port: port))).ToList();
        await StartAsync(Entry("range", $"127.0.0.1:{ports}-{ports + 2}", space, $"127.0.0.1:{inside}-{inside + 2}"));

        for (int i = 0; i < 3; i++)
        {
            UdpClientSocket client = Client(new IPEndPoint(IPAddress.Loopback, ports + i));
            await Eventually.TrueAsync(() => client.IsServedAsync(Hello), Soon, $"port {i} of the range");
            Assert.That(targets[i].Senders, Is.Not.Empty);
        }
    }
}
