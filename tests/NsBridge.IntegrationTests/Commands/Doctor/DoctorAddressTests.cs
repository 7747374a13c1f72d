using System.Net;
using System.Net.Sockets;
using NsBridge.IntegrationTests.Udp;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Doctor;

/// <summary>The doctor on targets whose addresses have more than one way to be written.</summary>
internal sealed class DoctorAddressTests : DoctorFixture
{
    private static readonly IPAddress s_local = IPAddress.Parse("fe80::b");

    [TestCase("tcp")]
    [TestCase("udp")]
    public async Task Doctor_OfALinkLocalTargetWithItsInterface_FindsEveryLinkWell(string protocol)
    {
        (TestNamespace? space, TestNamespace? far) = (await NamespaceAsync(), await NamespaceAsync());
        (string? near, string? there) = await LinkAsync(space, far);
        var at = new IPEndPoint(IPAddress.IPv6Any, 7002);
        if (protocol == "udp")
            Own(UdpTarget.Start(far, at.Address, at.Port));
        else
            Own(TargetServer.Start(far.Listen(at), Serve.Echo));
        DaemonProcess daemon = await StartAsync(Entry(space.Name) with { Protocol = protocol, Target = $"[{s_local}%{near}]:{at.Port}" });

        CommandResult result = await daemon.AskAsync("doctor");

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output, Does.Contain("is reached from fe80::a").And.Contain("web is well"));
        Assert.That(there, Is.Not.EqualTo(near));
    }

    [Test]
    public async Task Doctor_OfALinkLocalTargetOfTheNamespaceItself_SaysThatNothingListens()
    {
        (TestNamespace? space, TestNamespace? far) = (await NamespaceAsync(), await NamespaceAsync());
        (string _, string? there) = await LinkAsync(space, far);

        await FindsAsync(Entry(far.Name) with { Target = $"[{s_local}%{there}]:7002" }, "target", "nothing listens on");
    }

    [Test]
    public async Task Doctor_OfALinkLocalTargetOnAnInterfaceThatIsNotThere_NamesTheInterface() =>
        await FindsAsync(Entry((await NamespaceAsync()).Name) with { Target = $"[{s_local}%gone0]:7002" }, "route",
            "has no interface gone0");

    [Test]
    public async Task Doctor_OfAServerOnAMappedAddress_FindsEveryLinkWell()
    {
        TestNamespace space = await NamespaceAsync();
        IPEndPoint server = Mapped(space);
        DaemonProcess daemon = await StartAsync(Entry(space.Name, new IPEndPoint(IPAddress.Loopback, server.Port)));

        CommandResult result = await daemon.AskAsync("doctor");

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
    }

    [Test]
    public async Task Discover_OfAServerOnAMappedAddress_KnowsTheBridgeToIt()
    {
        TestNamespace space = await NamespaceAsync();
        IPEndPoint server = Mapped(space);
        DaemonProcess daemon = await StartAsync(Entry(space.Name, new IPEndPoint(IPAddress.Loopback, server.Port)));

        CommandResult result = await daemon.AskAsync("discover", space.Name);

        Assert.That(result.Error, Does.Contain("bridged already by web"), result.Everything);
    }

    [Test]
    public async Task Doctor_OfAPortTakenOnAMappedAddress_NamesWhoHasIt()
    {
        using var other = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        IPEndPoint taken = FreeEndPoint();
        other.Bind(new IPEndPoint(taken.Address.MapToIPv6(), taken.Port));
        other.Listen();

        await FindsAsync(Entry("vpn") with { Listen = taken.ToString() }, "listener", $"{taken} is taken by");
    }

    /// <summary>A server as a Java machine makes it for "localhost": on an IPv6 socket that takes IPv4 clients.</summary>
    private IPEndPoint Mapped(TestNamespace space)
    {
        Socket listener = space.OpenSocket(AddressFamily.InterNetworkV6);
        listener.DualMode = true;
        listener.Bind(new IPEndPoint(IPAddress.Loopback.MapToIPv6(), 0));
        listener.Listen();
        Own(TargetServer.Start(listener, Serve.Echo));
        return (IPEndPoint)listener.LocalEndPoint!;
    }

    /// <summary>Joins both by a link with fe80::a here and fe80::b there.</summary>
    private static async Task<(string Near, string Far)> LinkAsync(TestNamespace space, TestNamespace far)
    {
        string there = await space.LinkToAsync(far, "10.99.0.1/30", "10.99.0.2/30");
        string near = there[..^1] + "a";
        await space.IpAsync("address", "add", "fe80::a/64", "dev", near, "nodad");
        await far.IpAsync("address", "add", $"{s_local}/64", "dev", there, "nodad");
        return (near, there);
    }
}
