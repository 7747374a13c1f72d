using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.Bridges;
using NsBridge.ComponentTests.Hosting;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>Bridges that cannot listen everywhere. A client counts as served when the bridge has counted it; nothing serves the
/// target.</summary>
[TestFixture("tcp")]
[TestFixture("udp")]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.All)]
internal sealed class PartialListenTests(string protocol)
{
    private static readonly IPAddress s_late = IPAddress.Parse("10.254.9.1");
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    private TestNamespace _space = null!;
    private FleetScene _scene = null!;

    private BridgeReport Report => _scene.Fleet.Snapshot().Single();

    [SetUp]
    public async Task MakeAsync()
    {
        _space = await TestNamespace.CreateAsync();
        await _space.IpAsync("link", "add", "out0", "type", "bridge");
        await _space.IpAsync("link", "set", "out0", "up");
        _scene = new FleetScene();
    }

    [TearDown]
    public async Task EndAsync()
    {
        await _scene.DisposeAsync();
        await _space.DisposeAsync();
    }

    [Test]
    [Promise("listen.partial")]
    public async Task Listen_OneAddressIsAbsent_TheOthersServeAndItDoesWhenItAppears()
    {
        await StartAsync($"""["{s_late}:3003", "127.0.0.1:3003"]""");
        AssertPartial($"cannot listen on {s_late}:3003: EADDRNOTAVAIL");
        await AssertServedAsync(IPAddress.Loopback, 3003);

        await _space.IpAsync("address", "add", $"{s_late}/24", "dev", "out0");
        await WholeAsync();
        await AssertServedAsync(s_late, 3003);

        await _space.IpAsync("address", "delete", $"{s_late}/24", "dev", "out0");
        Assert.That((Report.State, Report.ReasonCode), Is.EqualTo((BridgeState.Up, ReasonCode.None)));
        await _space.IpAsync("address", "add", $"{s_late}/24", "dev", "out0");
        await AssertServedAsync(s_late, 3003);
        Assert.That(_scene.Log.WithLevels.Count(line => line.Contains("is up", StringComparison.Ordinal)), Is.EqualTo(2));
    }

    [Test]
    public async Task Listen_OnePortOfARangeIsTaken_TheOthersServeAndItDoesWhenItIsFree()
    {
        Socket other = Occupy(8002);
        await StartAsync("\"127.0.0.1:8000-8003\"", ":4000-4003");
        AssertPartial("(127.0.0.1:8002): EADDRINUSE");
        await AssertServedAsync(IPAddress.Loopback, 8003);

        other.Dispose();
        await WholeAsync();
        await AssertServedAsync(IPAddress.Loopback, 8002);
    }

    [Test]
    public async Task Listen_AbsentAddressWithALongRange_IsNamedOnce()
    {
        await StartAsync($"""["{s_late}:8000-8099", "127.0.0.1:8000-8099"]""", ":4000-4099");

        AssertPartial($"({s_late}:8000): EADDRNOTAVAIL");
        Assert.That(Report.Reason, Does.Not.Contain("8001").And.Not.Contain("more"));
    }

    [Test]
    public async Task Listen_NothingCanBeBound_IsFailed()
    {
        using Socket other = Occupy(3003);
        await StartAsync($"""["{s_late}:3003", "127.0.0.1:3003"]""");

        Assert.That((Report.State, Report.ReasonCode), Is.EqualTo((BridgeState.Failed, ReasonCode.ListenerUnavailable)));
        Assert.That(Report.Reason, Does.Contain("EADDRNOTAVAIL").And.Contain("EADDRINUSE"));
    }

    [Test]
    public async Task Listen_TakenWhileTheTargetsNamespaceIsMissing_ReportsBothAndServesWhenThePortIsFree()
    {
        Socket other = Occupy(3003);
        await StartAsync("\"127.0.0.1:3003\"", inside: "nsbridge-none");
        Assert.That((Report.State, Report.ReasonCode), Is.EqualTo((BridgeState.Failed, ReasonCode.ListenerUnavailable)));
        Assert.That(Report.Reason, Does.Contain("EADDRINUSE").And.Contain("nsbridge-none does not exist"));
        Assert.That(_scene.Log.WithLevels, Has.Some.Contains("EADDRINUSE").And.Contains("nsbridge-none does not exist"));

        other.Dispose();
        await Eventually.TrueAsync(() => Report.State == BridgeState.Waiting, s_deadline, "the port is bound, the namespace is missing");
        Assert.That(Report.ReasonCode, Is.EqualTo(ReasonCode.NamespaceMissing));
        await AssertServedAsync(IPAddress.Loopback, 3003);
    }

    [Test]
    public async Task Listen_OneAddressIsAbsentAndTheTargetsNamespaceTooAtTheStart_WaitsForBoth()
    {
        await StartAsync($"""["{s_late}:3003", "127.0.0.1:3003"]""", inside: "nsbridge-none");

        Assert.That((Report.State, Report.ReasonCode), Is.EqualTo((BridgeState.Waiting, ReasonCode.NamespaceMissing)));
        Assert.That(_scene.Log.WithLevels, Has.Some.Contains("is waiting").And.Contains("EADDRNOTAVAIL"));
        await AssertServedAsync(IPAddress.Loopback, 3003);
    }

    [Test]
    public async Task Listen_Interface_IsWaitedForAndItsAddressesAreFollowed()
    {
        await StartAsync("\"late0:3003\"");
        Assert.That((Report.State, Report.ReasonCode), Is.EqualTo((BridgeState.Waiting, ReasonCode.InterfaceMissing)));
        Assert.That(Report.Reason, Is.EqualTo("cannot listen on late0:3003: there is no interface late0 (yet)"));

        await _space.IpAsync("link", "add", "late0", "type", "veth", "peer", "name", "late1");
        await Eventually.TrueAsync(
            () => Report.Reason.EndsWith("late0 has no address (yet)", StringComparison.Ordinal), s_deadline, "it is there");
        await _space.IpAsync("address", "add", $"{s_late}/24", "dev", "late0");
        await WholeAsync();
        await AssertServedAsync(s_late, 3003);
        Assert.That(ListensOn(IPAddress.Loopback, 3003), Is.False, "the other interfaces' addresses are not listened on");

        await _space.IpAsync("address", "add", "fd00:254::1/64", "dev", "late0", "nodad");
        await _space.IpAsync("address", "add", "10.254.9.2/24", "dev", "late0");
        await _space.IpAsync("address", "delete", $"{s_late}/24", "dev", "late0");
        await _space.IpAsync("address", "replace", "10.254.9.2/24", "dev", "late0");
        await Eventually.TrueAsync(() => ListensOn(IPAddress.Parse("10.254.9.2"), 3003), s_deadline, "the new lease");
        await Eventually.TrueAsync(() => !ListensOn(s_late, 3003), s_deadline, "the old address is left");
        await AssertServedAsync(IPAddress.Parse("10.254.9.2"), 3003);
        await AssertServedAsync(IPAddress.Parse("fd00:254::1"), 3003);

        await _space.IpAsync("link", "delete", "late0");
        await Eventually.TrueAsync(() => Report.State == BridgeState.Waiting, s_deadline, "the interface has gone");
    }

    [Test]
    public async Task Listen_AbsentInterfaceBesideAnAddress_IsMissingInPart()
    {
        await StartAsync("""["late0:8000-8001", "127.0.0.1:3000-3001"]""", ":4000-4001");
        AssertPartial("there is no interface late0 (yet)");
        await AssertServedAsync(IPAddress.Loopback, 3001);

        await _space.IpAsync("address", "add", $"{s_late}/24", "dev", "out0");
        await _space.IpAsync("link", "set", "out0", "down");
        await _space.IpAsync("link", "set", "out0", "name", "late0");
        await _space.IpAsync("link", "set", "late0", "up");
        await WholeAsync();
        await AssertServedAsync(s_late, 8001);
    }

    private bool ListensOn(IPAddress address, int port)
    {
        try
        {
            var at = new IPEndPoint(address, port);
            using Socket free = protocol == "udp" ? _space.BindUdp(at) : _space.Listen(at);
            return false;
        }
        catch (SocketException fault)
        {
            return fault.SocketErrorCode == SocketError.AddressAlreadyInUse;
        }
    }

    private Task StartAsync(string listen, string target = ":3000", string inside = "host") => _scene.StartAsync(_scene.Web(
        $""", "Protocol":"{protocol}", "Listen":{listen}, "ListenNamespace":"{_space.Name}" """, $"127.0.0.1{target}", inside));

    private Socket Occupy(int port)
    {
        var at = new IPEndPoint(IPAddress.Loopback, port);
        return protocol == "udp" ? _space.BindUdp(at) : _space.Listen(at);
    }

    private void AssertPartial(string reason)
    {
        Assert.That((Report.State, Report.ReasonCode), Is.EqualTo((BridgeState.Up, ReasonCode.ListenerPartial)), Report.Reason);
        Assert.That(Report.Reason, Does.Contain(reason));
    }

    private Task<TimeSpan> WholeAsync() => Eventually.TrueAsync(
        () => Report is { State: BridgeState.Up, ReasonCode: ReasonCode.None }, s_deadline, "it listens everywhere");

    private async Task AssertServedAsync(IPAddress address, int port)
    {
        var at = new IPEndPoint(address, port);
        long before = Report.Total;
        if (protocol == "udp")
        {
            using Socket client = _space.BindUdp(new IPEndPoint(address, 0));
            await client.SendToAsync(new byte[1], at);
        }
        else
        {
            try
            {
                using Socket client = await _space.DialAsync(at);
            }
            catch (SocketException fault) when (fault.SocketErrorCode == SocketError.ConnectionReset)
            {
                // Nothing serves the target: a client that is let in is reset, maybe before its connect returns.
            }
        }
        await Eventually.TrueAsync(
            () => Report.Total > before, s_deadline, string.Create(CultureInfo.InvariantCulture, $"a client of {at} is counted"));
    }
}
