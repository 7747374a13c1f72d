using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Udp;

/// <summary>The halves of a UDP bridge in two daemons, and what a reload changes.</summary>
internal sealed class UdpHalvesTests : UdpFixture
{
    [Test]
    public async Task Halves_InTwoDaemons_ServeAsOneAndFindEachOtherAgain()
    {
        string path = Scratch()["dns.sock"];
        TestNamespace space = await NamespaceAsync();
        UdpTarget target = Own(UdpTarget.Start(space));
        IPEndPoint listen = FreeEndPoint();
        BridgeEntry inner = Inner(path, space, target);
        DaemonProcess first = await StartAsync(inner);
        await StartAsync(Outer(path, listen));
        UdpClientSocket client = Client(listen);
        await Eventually.TrueAsync(() => client.IsServedAsync(Hello), Soon, "served");

        await first.StopAsync();
        Assert.That(await client.IsServedAsync(Hello), Is.False);
        await StartAsync(inner);

        await Eventually.TrueAsync(() => client.IsServedAsync(Hello), Soon, "served again");
    }

    [Test]
    public async Task Client_WhoseDatagramWaitedForTheInnerHalf_HasOneFlow()
    {
        string path = Scratch()["dns.sock"];
        TestNamespace space = await NamespaceAsync();
        UdpTarget target = Own(UdpTarget.Start(space));
        IPEndPoint listen = FreeEndPoint();
        await StartAsync(Outer(path, listen));
        UdpClientSocket client = Client(listen);
        client.Send(Hello);

        await StartAsync(Inner(path, space, target));

        Assert.That(await client.ReceiveAsync(), Is.EqualTo(Hello), "what waited is answered");
        await client.EchoAsync(Hello);
        Assert.That(target.Senders, Has.Count.EqualTo(1), "one client address is one flow");
    }

    [Test]
    public async Task Reload_OfAnotherTarget_MovesTheClient()
    {
        (TestNamespace? space, UdpTarget? target, DaemonProcess? daemon, IPEndPoint? listen) = await UdpSceneAsync();
        UdpClientSocket client = Client(listen);
        await client.EchoAsync(Hello);
        UdpTarget other = Own(UdpTarget.Start(space));

        daemon.Rewrite(new DaemonConfig(Entry("echo", listen.ToString(), space, other.EndPoint.ToString())));
        await daemon.SignalAsync("HUP");

        await Eventually.TrueAsync(
            // A datagram that is on its way while the flow moves may be lost.
            async () => await client.IsServedAsync(Hello) && other.Senders.Count > 0,
            Soon,
            "the other target is asked");
    }

    [Test]
    public async Task Reload_OfAnotherBridge_LeavesFlowsAlone()
    {
        (TestNamespace? space, UdpTarget? target, DaemonProcess? daemon, IPEndPoint? listen) = await UdpSceneAsync();
        UdpClientSocket client = Client(listen);
        await client.EchoAsync(Hello);
        BridgeEntry entry = Entry("echo", listen.ToString(), space, target.EndPoint.ToString());
        BridgeEntry other = Entry("other", FreeEndPoint().ToString(), space, target.EndPoint.ToString());

        daemon.Rewrite(new DaemonConfig(entry, other));
        await daemon.SignalAsync("HUP");
        await daemon.WaitListeningAsync(other);
        await client.EchoAsync(Hello);

        Assert.That(target.Senders, Has.Count.EqualTo(1), "the same flow");
    }

    private static BridgeEntry Inner(string path, TestNamespace space, UdpTarget target) =>
        new("inner")
        {
            Protocol = "udp",
            Socket = path,
            Namespace = space.Name,
            Target = target.EndPoint.ToString(),
            IdleTimeout = TimeSpan.FromSeconds(5)
        };

    private static BridgeEntry Outer(string path, IPEndPoint listen) =>
        new("outer") { Protocol = "udp", Socket = path, Listen = listen.ToString() };
}
