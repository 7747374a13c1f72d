using System.Net;
using System.Net.Sockets;
using NsBridge.IntegrationTests.Udp;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Expose;

/// <summary>What passes through a bridge of the command line.</summary>
[Promise("expose.line")]
[Parallelizable(ParallelScope.All)]
internal sealed class ExposeTransferTests : ExposeFixture
{
    private const int Length = 64 << 20;
    private const int Clients = 200;
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(3);

    [TestCase(PlaceKind.Name, "handoff")]
    [TestCase(PlaceKind.Name, "relay")]
    [TestCase(PlaceKind.Unshare, "handoff")]
    [TestCase(PlaceKind.Bubblewrap, "handoff")]
    public async Task Bytes_OfBothDirections_PassWholeAlsoThreeSecondsAfterAHalfClose(PlaceKind kind, string join)
    {
        ExposePlace place = await PlaceAsync(kind);
        IPEndPoint listen = await BridgeAsync(place, place.Serve(ReplyAfterEndAsync), "--join", join);
        Socket client = Own(await TestClient.TcpAsync(listen));

        await client.SendPatternAsync(Length);
        client.Shutdown(SocketShutdown.Send);

        Assert.That(await client.ReceivePatternAsync(), Is.EqualTo(Length));
    }

    [TestCase(PlaceKind.Name, "handoff")]
    [TestCase(PlaceKind.Name, "relay")]
    [TestCase(PlaceKind.Unshare, "handoff")]
    [TestCase(PlaceKind.Bubblewrap, "handoff")]
    public async Task Reset_OfEitherSide_ArrivesAsAReset(PlaceKind kind, string join)
    {
        ExposePlace place = await PlaceAsync(kind);
        TargetServer resetting = place.Serve(Serve.ResetAfter(1));
        Socket client = Own(await TestClient.TcpAsync(await BridgeAsync(place, resetting, "--join", join)));
        await client.SendAllAsync(new byte[1]);
        Assert.That(await client.EndingAsync(), Is.EqualTo(Ending.Reset));

        TargetServer echo = place.Serve(Serve.Echo);
        Socket resets = Own(await TestClient.TcpAsync(await BridgeAsync(place, echo, "--join", join)));
        await resets.EchoAsync(Pattern.Take(100));
        resets.Reset();
        await Eventually.TrueAsync(() => echo.Resets == 1, Soon, "the reset at the target");
    }

    [TestCase(PlaceKind.Name)]
    [TestCase(PlaceKind.Unshare)]
    [TestCase(PlaceKind.Bubblewrap)]
    public async Task Clients_AtOnce_AreAllServed(PlaceKind kind)
    {
        ExposePlace place = await PlaceAsync(kind);
        IPEndPoint listen = await BridgeAsync(place, place.Serve(Serve.Echo));
        Socket[] clients = await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ => Own(await TestClient.TcpAsync(listen))));

        await Task.WhenAll(clients.Select(client => client.EchoAsync(Pattern.Take(10_000))));
    }

    [Test]
    public async Task Datagrams_OfSeveralClients_ComeBack()
    {
        TestNamespace space = await NamespaceAsync();
        UdpTarget target = Own(UdpTarget.Start(space));
        ExposeProgram program = await ExposeAsync(ExposePlace.Of(space), $"{target.EndPoint}", "--udp", "--listen", "0");
        IPEndPoint listen = await program.ListenAsync(target.EndPoint.ToString());

        foreach (int size in new[] { 1, 1400, 65_507 })
        {
            using var client = new UdpClient(AddressFamily.InterNetwork);
            byte[] sent = Pattern.Take(size);
            await client.SendAsync(sent, listen);
            UdpReceiveResult received = await client.ReceiveAsync().WaitAsync(Soon);
            Assert.That(received.Buffer, Is.EqualTo(sent));
        }
    }

    [Test]
    public async Task Into_OffersAServiceOfTheHostInside()
    {
        TestNamespace space = await NamespaceAsync();
        IPEndPoint at = FreeEndPoint();
        Own(TargetServer.StartOnHost(at, Serve.Echo));
        ExposeProgram program = await ExposeAsync(ExposePlace.Of(space), $"{at.Port}", "--into", "--listen", "0");
        IPEndPoint listen = await program.ListenAsync($"localhost:{at.Port}");

        Socket client = Own(await space.DialAsync(listen));
        await client.EchoAsync(Pattern.Take(1000));
        Assert.That(HostSockets.IsListening(listen), Is.False, "the listener is inside");
    }

    [Test]
    public async Task Targets_OfAnyKind_HaveABridgeEach()
    {
        TestNamespace space = await NamespaceAsync();
        ScratchDirectory scratch = Scratch();
        int first = HostSockets.FreePorts(2);
        Own(TargetServer.Start(space.Listen(new UnixDomainSocketEndPoint(scratch["app.sock"])), Serve.Echo));
        Target(space, Serve.Echo, first);
        Target(space, Serve.Echo, first + 1);
        var place = ExposePlace.Of(space);

        ExposeProgram unix = await ExposeAsync(place, $"unix:{scratch["app.sock"]}", "--listen", "127.0.0.1:0");
        Assert.That(await EchoesAsync(await unix.ListenAsync($"unix:{scratch["app.sock"]}")));
        ExposeProgram range = await ExposeAsync(place, $"127.0.0.1:{first}-{first + 1}");
        await range.BridgeAsync($"127.0.0.1:{first}-{first + 1}");
        Assert.That(await EchoesAsync(new IPEndPoint(IPAddress.Loopback, first + 1)));
        ExposeProgram two = await ExposeAsync(place, $"{first}", $"{first + 1}", "--listen", "0");
        Assert.That(await EchoesAsync(await two.ListenAsync($"localhost:{first}")));
        Assert.That(await EchoesAsync(await two.ListenAsync($"localhost:{first + 1}")));
    }

    [Test]
    public async Task Clients_OfOtherNetworks_AreClosed()
    {
        ExposePlace place = await PlaceAsync();
        IPEndPoint listen = await BridgeAsync(place, place.Serve(Serve.Echo), "--allow", "127.0.0.9/32", "--allow", "127.1.0.0/16");

        Assert.That(await EchoesAsync(listen, IPAddress.Parse("127.0.0.8")), Is.False);
        Assert.That(await EchoesAsync(listen, IPAddress.Parse("127.0.0.9")));
        Assert.That(await EchoesAsync(listen, IPAddress.Parse("127.1.2.3")));
    }

    private static async Task ReplyAfterEndAsync(Socket connection, CancellationToken cancel)
    {
        if (await connection.ReceivePatternAsync(cancel) != Length)
            return;
        await Task.Delay(s_pause, cancel);
        await connection.SendPatternAsync(Length, cancel);
    }
}
