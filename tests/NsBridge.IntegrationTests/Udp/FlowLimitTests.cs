using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Udp;

/// <summary>Flows are bounded, and forged senders displace no conversation.</summary>
internal sealed class FlowLimitTests : UdpFixture
{
    [Test]
    public async Task IdleTimeout_WithoutDatagrams_EndsTheFlow()
    {
        (TestNamespace _, UdpTarget? target, DaemonProcess? daemon, IPEndPoint? listen) =
            await UdpSceneAsync(entry => entry with { IdleTimeout = TimeSpan.FromSeconds(1) });
        UdpClientSocket client = Client(listen);
        await client.EchoAsync(Hello);
        await Eventually.TrueAsync(async () => await CountAsync(daemon, "active") == 0, Soon, "the flow has ended");

        await client.EchoAsync(Hello);

        Assert.That(target.Senders, Has.Count.EqualTo(2), "another flow");
        Assert.That(await CountAsync(daemon, "failed"), Is.Zero);
    }

    [Test]
    public async Task MaxConnections_OneMore_TheOldestIdleFlowGoes()
    {
        (TestNamespace _, UdpTarget? target, DaemonProcess? daemon, IPEndPoint? listen) =
            await UdpSceneAsync(entry => entry with { MaxConnections = 2 });
        UdpClientSocket first = Client(listen), second = Client(listen), third = Client(listen);
        await first.EchoAsync(Hello);
        await second.EchoAsync(Hello);
        await first.EchoAsync(Hello);
        var flows = target.Senders.Keys.ToHashSet();

        await third.EchoAsync(Hello);
        await first.EchoAsync(Hello);

        Assert.That(target.Senders, Has.Count.EqualTo(3), "the first client's flow has stayed");
        Assert.That(flows, Is.SubsetOf(target.Senders.Keys));
        Assert.That(await CountAsync(daemon, "active"), Is.EqualTo(2));
        Assert.That(await CountAsync(daemon, "refused"), Is.Zero);
    }

    [Test]
    public async Task MaxConnectionsPerClient_OneMore_TakesThePlaceOfTheClientsOwn()
    {
        (TestNamespace _, UdpTarget? target, DaemonProcess? daemon, IPEndPoint? listen) =
            await UdpSceneAsync(entry => entry with { MaxConnectionsPerClient = 2 });
        UdpClientSocket other = Client(listen, IPAddress.Parse("127.0.0.77"));
        await other.EchoAsync(Hello);
        IPEndPoint flow = target.Senders.Keys.Single();
        for (int i = 0; i < 10; i++)
            await Client(listen).EchoAsync(Hello);
        await other.EchoAsync(Hello);

        Assert.That(target.Senders[flow], Is.EqualTo(2), "the other client's flow has stayed");
        Assert.That(await CountAsync(daemon, "active"), Is.EqualTo(3));
    }

    [Test]
    public async Task AllowFrom_Others_AreNotHeard()
    {
        (TestNamespace _, UdpTarget? target, DaemonProcess? daemon, IPEndPoint? listen) =
            await UdpSceneAsync(entry => entry with { AllowFrom = ["127.0.0.2/32"] });

        Assert.That(await Client(listen, IPAddress.Parse("127.0.0.3")).IsServedAsync(Hello), Is.False);
        await Client(listen, IPAddress.Parse("127.0.0.2")).EchoAsync(Hello);

        Assert.That(target.Senders, Has.Count.EqualTo(1));
        Assert.That(await CountAsync(daemon, "refused"), Is.EqualTo(1));
    }

    [Test]
    public async Task Senders_ManyMadeUp_AreBoundedAndDisplaceNoConversation()
    {
        const int Limit = 200;
        (TestNamespace _, UdpTarget? target, DaemonProcess? daemon, IPEndPoint? listen) =
            await UdpSceneAsync(entry => entry with { MaxConnections = Limit });
        UdpClientSocket client = Client(listen);
        await client.EchoAsync(Hello);
        await client.EchoAsync(Hello);
        IPEndPoint flow = target.Senders.Keys.Single();

        for (int i = 0; i < 20 * Limit; i++)
        {
            using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            sender.Bind(new IPEndPoint(new IPAddress([127, 9, (byte)(i >> 8), (byte)i]), 0));
            sender.SendTo(Hello, listen);
        }
        await client.EchoAsync(Hello);

        Assert.That(target.Senders[flow], Is.EqualTo(3), "the conversation has kept its flow");
        Assert.That(await CountAsync(daemon, "active"), Is.LessThanOrEqualTo(Limit));
        Assert.That(ProcessFacts.Descriptors(daemon.Id), Has.Count.LessThan(Limit + 100));
    }

    [Promise("fair")]
    [TestCase(1)]
    [TestCase(10)]
    public async Task Conversations_OfFewAddressesInEveryPlace_LeaveNewcomersTheirAnswers(int addresses)
    {
        const int Limit = 500;
        const int Newcomers = 100;
        TestNamespace space = await NamespaceAsync();
        UdpTarget target = Own(UdpTarget.Start(space, distance: TimeSpan.FromMilliseconds(50)));
        IPEndPoint listen = FreeEndPoint();
        BridgeEntry entry = Entry("echo", listen.ToString(), space, target.EndPoint.ToString());
        DaemonProcess daemon = await StartAsync(entry with { MaxConnections = Limit });
        IEnumerable<IPAddress> from = Enumerable.Range(0, Limit).Select(i => new IPAddress([127, 9, 0, (byte)(i % addresses)]));
        UdpClientSocket[] many = [.. from.Select(address => Client(listen, address))];
        for (int i = 0; i < 2; i++)
            await Task.WhenAll(many.Select(client => client.EchoAsync(Hello)));
        Assert.That(await CountAsync(daemon, "active"), Is.EqualTo(Limit));

        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(11));
        var answers = new List<Task<byte[]?>>();
        for (int i = 0; i < Newcomers; i++)
        {
            await pace.WaitForNextTickAsync();
            UdpClientSocket newcomer = Client(listen, IPAddress.Parse("127.0.0.77"));
            newcomer.Send(Hello);
            many[i].Send(Hello);
            answers.Add(newcomer.ReceiveAsync(TimeSpan.FromSeconds(2)));
        }

        Assert.That(await Task.WhenAll(answers), Is.All.EqualTo(Hello));
        Assert.That(await CountAsync(daemon, "active"), Is.EqualTo(Limit));
    }
}
