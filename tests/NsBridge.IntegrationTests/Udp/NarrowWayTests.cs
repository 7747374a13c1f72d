using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Udp;

/// <summary>A router on the way to the target that passes only smaller packets, and sends ICMP errors for others.</summary>
internal sealed class NarrowWayTests : UdpFixture
{
    [Test]
    public async Task Datagram_TooLongForTheWay_TheFlowGoesOn()
    {
        TestNamespace near = await NamespaceAsync();
        TestNamespace router = await NamespaceAsync();
        TestNamespace far = await NamespaceAsync();
        await near.LinkToAsync(router, "10.254.9.1/29", "10.254.9.2/29");
        string link = await far.LinkToAsync(router, "10.254.9.10/29", "10.254.9.9/29");
        await router.IpAsync("link", "set", link, "mtu", "1300");
        await router.RunAsync("/bin/sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
        await near.IpAsync("route", "add", "default", "via", "10.254.9.2");
        await far.IpAsync("route", "add", "default", "via", "10.254.9.9", "mtu", "1300");
        UdpTarget target = Own(UdpTarget.Start(far, IPAddress.Parse("10.254.9.10")));
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(Entry("narrow", listen.ToString(), near, target.EndPoint.ToString()));
        UdpClientSocket client = Client(listen);
        await client.EchoAsync(Hello);

        // The router answers that it is too long; the next ones go in fragments.
        client.Send(Pattern.Take(1400));
        Assert.That(await client.ReceiveAsync(TimeSpan.FromMilliseconds(500)), Is.Null);
        await client.EchoAsync(Hello);
        await client.EchoAsync(Pattern.Take(1400));

        Assert.That(target.Senders, Has.Count.EqualTo(1), "one flow, one sender");
        Assert.That(await CountAsync(daemon, "failed"), Is.Zero);
        Assert.That(daemon.Log, Has.Some.Contains("datagrams too long for the way to the target were dropped"));
    }
}
