using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.Bridges;
using NsBridge.ComponentTests.Hosting;
using NsBridge.Fixtures;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>Flows of a whole UDP bridge on one loop.</summary>
internal sealed class FlowTests
{
    private const int WarmUp = 500;
    private const int Flows = 1000;
    // What the measuring calls themselves post.
    private const long Tolerance = 8 * 1024;

    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private static readonly byte[] s_datagram = new byte[64];

    [TestCase("127.0.0.1:PORT")]
    [TestCase("*:PORT")]
    [TestCase("0.0.0.0:PORT")]
    public async Task Datagram_WhoseSourceIsAListenerOfTheDaemon_IsDroppedAndCounted(string listen)
    {
        await using var scene = new FleetScene();
        using Socket target = Bound();
        int port = await StartAsync(scene, target, listen);
        using var raw = new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Udp);
        byte[] datagram = new byte[9];
        BinaryPrimitives.WriteUInt16BigEndian(datagram, (ushort)port);
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(2), (ushort)port);
        BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(4), (ushort)datagram.Length);

        raw.SendTo(datagram, new IPEndPoint(IPAddress.Loopback, 0));

        await Eventually.TrueAsync(() => Report(scene).Refused == 1, s_soon, "the datagram is counted");
        Assert.That(target.Available, Is.Zero, "nothing reaches the target");
    }

    [Test]
    public async Task Datagram_OfAClientOnTheListenersPort_IsServed()
    {
        await using var scene = new FleetScene();
        using Socket target = Bound();
        int port = await StartAsync(scene, target, "127.0.0.1:PORT");
        using Socket client = Bound("127.0.0.2", port);

        Exchange(client, target, port);

        Assert.That(Report(scene).Refused, Is.Zero);
    }

    [TestCase("none")]
    [TestCase("v2")]
    public async Task Flow_NewAnsweredAndDisplaced_AllocatesNothing(string proxyProtocol)
    {
        await using var scene = new FleetScene();
        using Socket target = Bound();
        int port = await StartAsync(scene, target, "127.0.0.1:PORT", proxyProtocol);

        long allocated = await AllocatedAsync(scene, () =>
        {
            using Socket client = Bound();
            Exchange(client, target, port);
            Exchange(client, target, port);
        });

        Assert.That(allocated, Is.LessThan(Tolerance));
    }

    [Test]
    public async Task Flow_OfARefusingTarget_AllocatesNothing()
    {
        await using var scene = new FleetScene();
        using Socket target = Bound();
        int port = await StartAsync(scene, target, "127.0.0.1:PORT");
        target.Dispose();
        long failed = 0;

        long allocated = await AllocatedAsync(scene, () =>
        {
            using Socket client = Bound();
            client.SendTo(s_datagram, new IPEndPoint(IPAddress.Loopback, port));
            failed++;
            SpinWait.SpinUntil(() => Report(scene).Failed == failed, s_soon);
        });

        Assert.That(Report(scene).Failed, Is.EqualTo(failed));
        Assert.That(allocated, Is.LessThan(Tolerance));
    }

    /// <summary>Bytes that the loop's thread allocates for many flows.</summary>
    private static async Task<long> AllocatedAsync(FleetScene scene, Action flow)
    {
        for (int i = 0; i < WarmUp; i++)
            flow();
        long before = await SoFarAsync();
        for (int i = 0; i < Flows; i++)
            flow();
        return await SoFarAsync() - before;

        Task<long> SoFarAsync() => scene.Parts.Loop.InvokeAsync(GC.GetAllocatedBytesForCurrentThread);
    }

    /// <summary>A bridge of the host with so few flows that new ones displace others.</summary>
    private static async Task<int> StartAsync(FleetScene scene, Socket target, string listen, string proxyProtocol = "none")
    {
        string port = FleetScene.FreePort();
        await scene.StartAsync(LoadedText.Right($"""
            "Name":"web", "Socket":"{scene.PathOf("web.sock")}", "Protocol":"udp", "MaxConnections":32, "Namespace":"host",
            "Target":"{target.LocalEndPoint}", "ProxyProtocol":"{proxyProtocol}",
            "Listen":"{listen.Replace("PORT", port, StringComparison.Ordinal)}"
            """));
        return int.Parse(port, CultureInfo.InvariantCulture);
    }

    private static void Exchange(Socket client, Socket target, int port)
    {
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        byte[] buffer = new byte[100];
        client.SendTo(s_datagram, new IPEndPoint(IPAddress.Loopback, port));
        int taken = target.ReceiveFrom(buffer, ref from);
        target.SendTo(buffer.AsSpan(0, taken), from);
        Assert.That(client.Receive(buffer), Is.EqualTo(taken));
    }

    private static Socket Bound(string address = "127.0.0.1", int port = 0)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.ReceiveTimeout = (int)s_soon.TotalMilliseconds;
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), port));
        return socket;
    }

    private static BridgeReport Report(FleetScene scene) => scene.Fleet.Snapshot().Single();
}
