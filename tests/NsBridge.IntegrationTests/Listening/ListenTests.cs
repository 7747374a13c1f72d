using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Listening;

internal sealed class ListenTests : BridgeFixture
{
    private static readonly byte[] s_hello = Pattern.Take(1000);

    [Test]
    public async Task Listen_BarePort_TakesBothLoopbackAddressesAlone()
    {
        int port = HostSockets.FreePort();
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Listen = port });

        await scene.Daemon.WaitListeningAsync(new IPEndPoint(IPAddress.Loopback, port));
        await scene.Daemon.WaitListeningAsync(new IPEndPoint(IPAddress.IPv6Loopback, port));
        await Own(await TestClient.TcpAsync(new IPEndPoint(IPAddress.Loopback, port))).EchoAsync(s_hello);
        await Own(await TestClient.TcpAsync(new IPEndPoint(IPAddress.IPv6Loopback, port))).EchoAsync(s_hello);
        await Assert.ThrowsAsync<SocketException>(() => TestClient.TcpAsync(new IPEndPoint(IPAddress.Parse("127.0.0.2"), port)));
    }

    [Test]
    public async Task Listen_Star_TakesEveryAddress()
    {
        int port = HostSockets.FreePort();
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Listen = $"*:{port}" });

        foreach (string? address in new[] { "127.0.0.1", "127.0.0.2", "::1" })
        {
            var at = new IPEndPoint(IPAddress.Parse(address), port);
            Socket? client = null;
            await scene.Daemon.WaitAsync(() => TryDial(at, out client), $"{at} takes connections");
            await Own(client!).EchoAsync(s_hello);
        }
    }

    [Test]
    public async Task Listen_List_TakesEachEntry()
    {
        (IPEndPoint? first, IPEndPoint? second) = (FreeEndPoint(), new IPEndPoint(IPAddress.IPv6Loopback, HostSockets.FreePort()));
        await SceneAsync(Serve.Echo, entry => entry with { Listen = new[] { first.ToString(), second.ToString() } });

        await Own(await TestClient.TcpAsync(first)).EchoAsync(s_hello);
        await Own(await TestClient.TcpAsync(second)).EchoAsync(s_hello);
    }

    [Test]
    public async Task Listen_SetByTheEnvironment_GoesBeforeTheFile()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        (IPEndPoint? inFile, IPEndPoint? inEnvironment) = (FreeEndPoint(), FreeEndPoint());
        DaemonProcess daemon = await LaunchAsync(
            new DaemonConfig(new BridgeEntry("web")
            {
                Listen = inFile.ToString(),
                Namespace = space.Name,
                Target = server.EndPoint.ToString()
            }),
            new DaemonLaunch
            {
                Environment = new Dictionary<string, string?>
                {
                    ["NsBridge__Bridges__0__Listen"] = inEnvironment.ToString()
                }
            });

        await daemon.WaitListeningAsync(inEnvironment);

        Assert.That(HostSockets.IsListening(inFile), Is.False);
        await Own(await TestClient.TcpAsync(inEnvironment)).EchoAsync(s_hello);
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Listen_RangeWithTargetRange_LeadsEachPortToItsOwn(string join)
    {
        const int count = 5;
        TestNamespace space = await NamespaceAsync();
        for (byte number = 0; number < count; number++)
            Target(space, Serve.Greeting($"{number}"), 4000 + number);
        int first = HostSockets.FreePorts(count);
        DaemonProcess daemon = await StartAsync(new BridgeEntry("range")
        {
            Listen = $"127.0.0.1:{first}-{first + count - 1}",
            Namespace = space.Name,
            Target = $"127.0.0.1:4000-{4000 + count - 1}",
            Join = join,
        });

        for (int number = 0; number < count; number++)
        {
            var at = new IPEndPoint(IPAddress.Loopback, first + number);
            await daemon.WaitListeningAsync(at);
            Assert.That(await Own(await TestClient.TcpAsync(at)).ReceiveExactlyAsync(1), Is.EqualTo(new[] { (byte)('0' + number) }));
        }
    }

    [Test]
    public async Task Listen_ThousandPorts_CostNoThreadAndLittleMemory()
    {
        const int count = 1000;
        const long mostGrowth = 8L << 20;
        TestNamespace space = await NamespaceAsync();
        Target(space, Serve.Echo, 4000);
        Target(space, Serve.Echo, 4999);
        DaemonProcess single = await StartAsync(
            new BridgeEntry("single") { Listen = FreeEndPoint().ToString(), Namespace = space.Name, Target = "127.0.0.1:4000" });
        int first = HostSockets.FreePorts(count);
        DaemonProcess daemon = await LaunchAsync(new DaemonConfig(new BridgeEntry("range")
        {
            Listen = $"127.0.0.1:{first}-{first + count - 1}",
            Namespace = space.Name,
            Target = $"127.0.0.1:4000-{4000 + count - 1}",
        }));
        await daemon.WaitListeningAsync(new IPEndPoint(IPAddress.Loopback, first));
        await daemon.WaitListeningAsync(new IPEndPoint(IPAddress.Loopback, first + count - 1));

        await Own(await TestClient.TcpAsync(new IPEndPoint(IPAddress.Loopback, first))).EchoAsync(s_hello);
        await Own(await TestClient.TcpAsync(new IPEndPoint(IPAddress.Loopback, first + count - 1))).EchoAsync(s_hello);
        Assert.That(ProcessFacts.Threads(daemon.Id), Is.LessThanOrEqualTo(ProcessFacts.Threads(single.Id) + 4));
        // A process gives back what its start took a moment after it.
        await Eventually.TrueAsync(
            () => Task.FromResult(daemon.ResidentBytes - single.ResidentBytes < mostGrowth), Soon,
            () => $"it takes {(daemon.ResidentBytes - single.ResidentBytes) >> 10} KiB more than one port");
    }

    private static bool TryDial(IPEndPoint at, out Socket? client)
    {
        client = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            client.Connect(at);
            return true;
        }
        catch (SocketException)
        {
            client.Dispose();
            client = null;
            return false;
        }
    }
}
