using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Udp;

/// <summary>What the target refuses by ICMP ends the flow that it refused, and no other.</summary>
internal sealed class RefusalTests : UdpFixture
{
    [Test]
    public async Task Refusal_OfOneFlow_LeavesOthersAlone()
    {
        (TestNamespace _, UdpTarget? target, DaemonProcess? daemon, IPEndPoint? listen) = await UdpSceneAsync();
        UdpClientSocket heard = Client(listen);
        await heard.EchoAsync(Hello);
        IPEndPoint flow = target.Senders.Keys.Single();
        // From now on the kernel refuses every other flow.
        await target.HearOnlyAsync(flow);

        UdpClientSocket refused = Client(listen);
        refused.Send(Hello);
        await Eventually.TrueAsync(async () => await CountAsync(daemon, "failed") == 1, Soon, "the refused flow has failed");
        await heard.EchoAsync(Hello);

        Assert.That(target.Senders.Keys, Is.EqualTo(new[] { flow }), "the same flow goes on");
        Assert.That(await CountAsync(daemon, "active"), Is.EqualTo(1), "the refused flow has ended");
    }

    [Test]
    public async Task Refusal_ServiceComesBack_TheNextDatagramIsServed()
    {
        (TestNamespace? space, UdpTarget? target, DaemonProcess? daemon, IPEndPoint? listen) = await UdpSceneAsync();
        UdpClientSocket client = Client(listen);
        await client.EchoAsync(Hello);
        int port = target.EndPoint.Port;
        await target.DisposeAsync();
        client.Send(Hello);
        await Eventually.TrueAsync(async () => await CountAsync(daemon, "failed") == 1, Soon, "the flow has failed");

        Own(UdpTarget.Start(space, port: port));

        await Eventually.TrueAsync(() => client.IsServedAsync(Hello), Soon, "served again");
    }

    [Test]
    public async Task Localhost_ServiceListensOnSixOnly_GetsTheFirstDatagram()
    {
        TestNamespace space = await NamespaceAsync();
        UdpTarget target = Own(UdpTarget.Start(space, IPAddress.IPv6Loopback));
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(Entry("local", listen.ToString(), space, $"localhost:{target.EndPoint.Port}"));

        await Client(listen).EchoAsync(Hello);
    }

    [Test]
    public async Task Refusal_AgainAndAgainWhileTheServiceIsAwaited_CountsTheDatagramOnce()
    {
        TestNamespace space = await NamespaceAsync();
        var target = UdpTarget.Start(space);
        int port = target.EndPoint.Port;
        await target.DisposeAsync();
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(
            Entry("late", listen.ToString(), space, $"127.0.0.1:{port}") with { TargetWait = TimeSpan.FromSeconds(60) });
        UdpClientSocket client = Client(listen);
        client.Send(Hello);
        await Eventually.TrueAsync(async () => await BytesAsync(daemon) > 0, Soon, "sent for the first time");
        // Some refusals, one each tenth of a second.
        await Task.Delay(500);

        Own(UdpTarget.Start(space, port: port));
        Assert.That(await client.ReceiveAsync(), Is.EqualTo(Hello));

        Assert.That(await BytesAsync(daemon), Is.EqualTo(Hello.Length));
    }

    [Test]
    public async Task Refusal_PortIsOneTheKernelMayGiveToWhoConnects_NoFlowMeetsItself()
    {
        TestNamespace space = await NamespaceAsync();
        // Four ports to choose from, and the target's is one of them.
        await space.RunAsync("sysctl", "-q", "-w", "net.ipv4.ip_local_port_range=40000 40003");
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(Entry("self", listen.ToString(), space, "127.0.0.1:40001"));

        for (int attempt = 1; attempt <= 40; attempt++)
        {
            UdpClientSocket client = Client(listen);
            client.Send(Hello);
            await Eventually.TrueAsync(async () => await CountAsync(daemon, "failed") == attempt, Soon, "refused");
        }
    }

    private static async Task<long> BytesAsync(DaemonProcess daemon) =>
        (await daemon.StatusAsync()).GetProperty("bridges")[0].GetProperty("bytes").GetProperty("toTarget").GetInt64();
}
