using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Commands.Doctor;

/// <summary>The doctor on listeners inside namespaces, and on references that have to be resolved.</summary>
internal sealed class DoctorPlaceTests : DoctorFixture
{
    private static readonly IPEndPoint s_inside = new(IPAddress.Loopback, 3128);

    [Test]
    public async Task Doctor_OfAServingListenerInANamespace_FindsEveryLinkWell()
    {
        (TestNamespace? door, TestNamespace? target) = (await NamespaceAsync(), await NamespaceAsync());
        TargetServer server = Target(target, Serve.Echo);
        DaemonProcess daemon = await StartAsync(
            Entry(target.Name, server.EndPoint) with { Listen = s_inside.ToString(), ListenNamespace = door.Name });

        CommandResult result = await daemon.AskAsync("doctor");

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output, Does.Contain($"the daemon listens on {s_inside} in {door.Name}").And.Contain("web is well"));
    }

    [Test]
    public async Task Doctor_OfAListenerOnALinkLocalAddress_KnowsIt()
    {
        (TestNamespace? door, TestNamespace? target) = (await NamespaceAsync(), await NamespaceAsync());
        await door.IpAsync("address", "add", "fe80::1/64", "dev", "lo", "nodad");
        TargetServer server = Target(target, Serve.Echo);
        BridgeEntry entry = Entry(target.Name, server.EndPoint) with
        {
            Listen = new[] { s_inside.ToString(), $"[fe80::1%lo]:{s_inside.Port}" },
            ListenNamespace = door.Name
        };
        DaemonProcess daemon = await StartAsync(entry);

        CommandResult result = await daemon.AskAsync("doctor");

        Assert.That(result.ExitCode, Is.Zero, result.Everything);
        Assert.That(result.Output, Does.Contain("the daemon listens on").And.Contain("web is well"));
    }

    [Test]
    public async Task Doctor_OfAMissingListenNamespace_NamesIt()
    {
        TestNamespace door = await ReserveNamespaceAsync();

        await FindsAsync(Entry("host") with { Listen = s_inside.ToString(), ListenNamespace = door.Name }, "listener",
            $"ip netns add {door.Name}");
    }

    [Test]
    public async Task Doctor_OfAPortTakenInTheListenNamespace_NamesWhoHasIt()
    {
        TestNamespace door = await NamespaceAsync();
        Target(door, Serve.Echo, s_inside.Port);

        await FindsAsync(Entry("host") with { Listen = s_inside.ToString(), ListenNamespace = door.Name }, "listener",
            $"in {door.Name} is taken by");
    }

    [Test]
    public async Task Doctor_OfAWildcardBesideAnotherProgramsAddress_SaysToListenOnAnAddress()
    {
        TestNamespace door = await NamespaceAsync();
        Target(door, Serve.Echo, s_inside.Port);

        await FindsAsync(Entry("host") with { Listen = $"*:{s_inside.Port}", ListenNamespace = door.Name }, "listener",
            $"address  # write one of these in \"Listen\", as in ADDRESS:{s_inside.Port}, instead of *");
    }

    [Test]
    public async Task Doctor_OfAPortTakenOnTheHostOnly_DoesNotMistakeItForTheListeners()
    {
        TestNamespace door = await NamespaceAsync();
        await using var other = TargetServer.StartOnHost(FreeEndPoint(), Serve.Echo);

        await FindsAsync(
            Entry("host", other.EndPoint) with { Listen = other.EndPoint.ToString(), ListenNamespace = door.Name }, "daemon",
            "no daemon is running");
    }

    [Test]
    public async Task Doctor_OfAnAddressThatTheListenNamespaceLacks_SaysSo()
    {
        TestNamespace door = await NamespaceAsync();

        await FindsAsync(Entry("host") with { Listen = "198.51.100.7:3128", ListenNamespace = door.Name }, "listener",
            $"{door.Name} has no address 198.51.100.7");
    }

    [Test]
    public async Task Doctor_WithLoDownInTheListenNamespace_SaysHowToTakeItUp()
    {
        TestNamespace door = await ReserveNamespaceAsync();
        await door.AddAsync(loopbackUp: false);

        await FindsAsync(Entry("host") with { Listen = s_inside.ToString(), ListenNamespace = door.Name }, "listener",
            $"ip -n {door.Name} link set lo up");
    }

    [Test]
    public async Task Doctor_WithLoTakenDownUnderAServingListener_SaysHowToTakeItUp()
    {
        (TestNamespace? door, TestNamespace? target) = (await NamespaceAsync(), await NamespaceAsync());
        TargetServer server = Target(target, Serve.Echo);
        DaemonProcess daemon = await StartAsync(
            Entry(target.Name, server.EndPoint) with { Listen = s_inside.ToString(), ListenNamespace = door.Name });
        await door.IpAsync("link", "set", "lo", "down");

        CommandResult result = await daemon.AskAsync("doctor");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(result.Output, Does.Contain("broken at: listener").And.Contain($"ip -n {door.Name} link set lo up"));
    }

    [Test]
    public async Task Doctor_OfAContainerThatIsNotThere_SaysWhatToStart() =>
        await FindsAsync(Entry("container:no-such"), "namespace", Engine() is { } engine ? $"{engine} start no-such" : "neither Docker nor Podman is installed");

    [Test]
    public async Task Doctor_OfAUnitThatCannotBeFound_SaysWhereToLook() =>
        await FindsAsync(Entry("unit:no-such.service"), "namespace", "systemctl status no-such.service");

    private static string? Engine() => Array.Find(["podman", "docker"], name => Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, name))));
}
