using System.Net;
using System.Net.Sockets;
using NsBridge.IntegrationTests.Udp;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Doctor;

/// <summary>The doctor on UDP bridges.</summary>
internal sealed class DoctorDatagramTests : DoctorFixture
{
    [Test]
    public async Task Doctor_OfAServingUdpBridge_FindsEveryLinkWell()
    {
        TestNamespace space = await NamespaceAsync();
        UdpTarget target = Own(UdpTarget.Start(space));
        DaemonProcess daemon = await StartAsync(Datagrams(space.Name, target.EndPoint));

        CommandResult result = await daemon.AskAsync("doctor");

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output, Does.Contain("web is well").And.Contain("the daemon listens").And.Contain("refuses no datagram"));
    }

    [Test]
    public async Task Doctor_OfATcpServerBehindAUdpBridge_SaysThatNothingListens()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);

        await FindsAsync(Datagrams(space.Name, server.EndPoint), "target", $"nothing listens on {server.EndPoint}");
    }

    [Test]
    public async Task Doctor_OfAUdpServerOnAnotherAddress_SaysWhich()
    {
        TestNamespace space = await NamespaceAsync();
        Own(UdpTarget.Start(space, IPAddress.Parse("127.0.0.2"), 3000));

        await FindsAsync(Datagrams(space.Name), "target", "listens on 127.0.0.2:3000 only");
    }

    [Test]
    public async Task Doctor_OfATakenUdpPort_NamesWhoHasIt()
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        await FindsAsync(Datagrams("vpn") with { Listen = other.LocalEndPoint!.ToString() }, "listener", $"(pid {Environment.ProcessId}");
    }

    [Test]
    public async Task Doctor_OfATcpServerOnTheSamePort_DoesNotMindIt()
    {
        TestNamespace space = await NamespaceAsync();
        UdpTarget target = Own(UdpTarget.Start(space));
        await using var other = TargetServer.StartOnHost(FreeEndPoint(), Serve.Echo);

        await FindsAsync(Datagrams(space.Name, target.EndPoint) with { Listen = other.EndPoint.ToString() }, "daemon",
            "no daemon is running");
    }

    [Test]
    public async Task Doctor_OfAHostThatRefusesDatagrams_SaysSo()
    {
        (TestNamespace? space, TestNamespace? far) = (await NamespaceAsync(), await NamespaceAsync());
        await space.LinkToAsync(far, "10.99.0.1/30", "10.99.0.2/30");

        await FindsAsync(Datagrams(space.Name) with { Target = "10.99.0.2:3000" }, "answer", "refuses datagrams");
    }

    [Test]
    public async Task Doctor_OfAnOuterHalfWhoseInnerHalfRanFirst_FindsTheListenerWell()
    {
        TestNamespace space = await NamespaceAsync();
        UdpTarget target = Own(UdpTarget.Start(space));
        DaemonProcess inner = await StartAsync(Datagrams(space.Name, target.EndPoint) with { Listen = null });
        DaemonProcess outer = await StartAsync(
            new BridgeEntry("door") { Protocol = "udp", Listen = FreeEndPoint().ToString(), Socket = inner.SocketPath("web") });
        await outer.WaitStatusAsync(bridge => bridge.GetProperty("state").GetString() == "up", "the outer half is up");

        CommandResult result = await outer.AskAsync("doctor");

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output, Does.Contain("the daemon listens on"));
    }

    private static BridgeEntry Datagrams(string place, EndPoint? target = null) => Entry(place, target) with { Protocol = "udp" };
}
