using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Udp;

/// <summary>Namespaces come and go: flows wait, follow and let go.</summary>
internal sealed class FollowTests : UdpFixture
{
    private static readonly TimeSpan s_promised = TimeSpan.FromSeconds(5);

    [Test]
    [Promise("netns.follows")]
    public async Task Namespace_Recreated_TheClientIsServedByTheNewOne()
    {
        (TestNamespace? space, UdpTarget? target, DaemonProcess? daemon, IPEndPoint? listen) = await UdpSceneAsync();
        UdpClientSocket client = Client(listen);
        await client.EchoAsync(Hello);

        int port = target.EndPoint.Port;
        await space.DeleteAsync();
        await space.AddAsync();
        UdpTarget renewed = Own(UdpTarget.Start(space, port: port));

        // The old target answers for as long as its flow is there.
        await Eventually.TrueAsync(
            async () =>
                await client.IsServedAsync(Hello) && renewed.Senders.Count > 0, s_promised, $"served by the new one\n{daemon.LogText()}");
    }

    [Test]
    public async Task Namespace_DeletedWithFlows_IsFreed()
    {
        TestNamespace near = await NamespaceAsync();
        TestNamespace far = await NamespaceAsync();
        string link = await near.LinkToAsync(far, "10.254.8.1/29", "10.254.8.2/29");
        UdpTarget target = Own(UdpTarget.Start(far, IPAddress.Parse("10.254.8.2")));
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(Entry("far", listen.ToString(), near, target.EndPoint.ToString()));
        for (int i = 0; i < 20; i++)
            await Client(listen).EchoAsync(Hello);

        await near.DeleteAsync();

        await Eventually.TrueAsync(async () => !await far.HasLinkAsync(link), s_promised,
            $"the deleted namespace is freed\n{daemon.LogText()}");
        await Eventually.TrueAsync(async () => await CountAsync(daemon, "active") == 0, Soon, "the flows have ended");
    }

    [Test]
    [Promise("netns.fails-closed")]
    public async Task Namespace_Missing_NothingOfTheHostAnswers()
    {
        TestNamespace space = await ReserveNamespaceAsync();
        IPEndPoint decoy = FreeEndPoint();
        using var host = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Dgram, System.Net.Sockets.ProtocolType.Udp);
        host.Bind(decoy);
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(Entry("closed", listen.ToString(), space, decoy.ToString()));

        Assert.That(await Client(listen).IsServedAsync(Hello), Is.False);

        Assert.That(host.Available, Is.Zero, "the host's own service got nothing");
        Assert.That(await CountAsync(daemon, "failed"), Is.EqualTo(1));
    }

    [Test]
    public async Task TargetWait_NamespaceAppears_TheFirstDatagramsAreDelivered()
    {
        TestNamespace space = await ReserveNamespaceAsync();
        IPEndPoint listen = FreeEndPoint();
        int port = HostSockets.FreePort();
        await StartAsync(Entry("late", listen.ToString(), space, $"127.0.0.1:{port}") with { TargetWait = TimeSpan.FromSeconds(30) });
        var clients = Enumerable.Range(0, 10).Select(_ => Client(listen)).ToList();
        foreach (UdpClientSocket? client in clients)
        {
            client.Send(Hello);
            client.Send(Pattern.Take(2000));
        }

        await space.AddAsync();
        Own(UdpTarget.Start(space, port: port));

        foreach (UdpClientSocket? client in clients)
        {
            Assert.That(await client.ReceiveAsync(), Is.EqualTo(Hello));
            Assert.That(await client.ReceiveAsync(), Is.EqualTo(Pattern.Take(2000)));
        }
    }

    [Test]
    public async Task TargetWait_NothingAppears_TheFlowFails()
    {
        TestNamespace space = await ReserveNamespaceAsync();
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(
            Entry("never", listen.ToString(), space, "127.0.0.1:9") with { TargetWait = TimeSpan.FromSeconds(1) });

        Client(listen).Send(Hello);

        await Eventually.TrueAsync(async () => await CountAsync(daemon, "failed") == 1, Soon, "the flow has failed");
        Assert.That(await CountAsync(daemon, "active"), Is.Zero);
    }

    [Test]
    public async Task TargetWait_ManyClientsAndNothingAppears_AllFailInTime()
    {
        const int clients = 200;
        TestNamespace space = await ReserveNamespaceAsync();
        IPEndPoint listen = FreeEndPoint();
        int port = HostSockets.FreePort();
        DaemonProcess daemon = await StartAsync(
            Entry("never", listen.ToString(), space, $"127.0.0.1:{port}") with { TargetWait = TimeSpan.FromSeconds(1) });

        for (int i = 0; i < clients; i++)
            Client(listen).Send(Hello);

        await Eventually.TrueAsync(async () => await CountAsync(daemon, "failed") == clients, TimeSpan.FromSeconds(3), "all have failed");
        await space.AddAsync();
        UdpTarget target = Own(UdpTarget.Start(space, port: port));
        await Eventually.TrueAsync(async () => await Client(listen).IsServedAsync(Hello), Soon, "who comes now is served");
        Assert.That(target.Senders, Has.Count.LessThan(5), "nothing is delivered that was given up");
    }
}
