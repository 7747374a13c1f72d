using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.Bridges;
using NsBridge.Bridges.Lifecycle;
using NsBridge.ComponentTests.Namespaces;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Fixtures;
using NsBridge.Linux;
using NsBridge.Namespaces;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

[TestFixture("tcp")]
[TestFixture("udp")]
internal sealed class OuterHalfTests(string protocol)
{
    private ActivationSockets _sockets = null!;
    private BridgeParts _parts = null!;
    private Bridge _bridge = null!;
    private NamespaceTracker _place = null!;
    private IOuterHalf _outer = null!;

    [SetUp]
    public async Task MakeAsync()
    {
        BridgeSettings settings = Settings(protocol);
        _sockets = ActivationSockets.Adopt([]);
        _parts = new BridgeParts(_sockets);
        _bridge = _parts.Factory.Create(settings);
        _place = _parts.Namespaces.Acquire(settings.ListenNamespace);
        await _place.FirstLook;
        _outer = Outer(_bridge, _parts, _place);
    }

    [TearDown]
    public async Task EndAsync()
    {
        await _outer.UnbindAsync();
        await AbortAsync(_outer);
        _parts.Namespaces.Release(_place);
        _bridge.Dispose();
        _parts.Dispose();
        _sockets.Dispose();
    }

    [Test]
    public async Task Namespace_ChangesWhileTheBridgeStarts_NobodyIsLetInBeforeItsTurn()
    {
        await FollowAsync();
        Assert.That(_outer.IsBound, Is.False);

        await _outer.BindAsync();
        Assert.That(_outer.IsBound);
    }

    [Test]
    public async Task Namespace_ChangesAfterTheBridgeWasTakenAway_NothingIsBoundAgain()
    {
        await _outer.BindAsync();
        await _outer.UnbindAsync();

        await FollowAsync();
        Assert.That(_outer.IsBound, Is.False);
    }

    [Test]
    public async Task ListenNamespace_AnotherIsThereForTheMomentOfTheBinding_ListensInTheOneThatLasts()
    {
        await using TestNamespace lasting = await TestNamespace.CreateAsync();
        await using TestNamespace passing = await TestNamespace.CreateAsync();
        Assert.That(NamespaceReference.TryParse(lasting.Name, out NamespaceReference reference, out _));
        var lead = new ScriptedResolver { State = NamespaceState.Unknown, Network = NetworkNamespace.AtPath(lasting.FilePath) };
        var place = new NamespaceTracker(reference, lead);
        await OwnThread.RunAsync(place.Probe);
        IOuterHalf outer = Outer(_bridge, _parts, place);
        place.Changed += _ => outer.OnNamespaceChanged();

        lead.Network = NetworkNamespace.AtPath(passing.FilePath);
        await outer.BindAsync();
        Assert.That((ListensIn(lasting), ListensIn(passing)), Is.EqualTo((false, true)));
        lead.Network = NetworkNamespace.AtPath(lasting.FilePath);
        await OwnThread.RunAsync(place.Probe);
        await _parts.Loop.InvokeAsync(() => { });

        Assert.That((ListensIn(lasting), ListensIn(passing)), Is.EqualTo((true, false)));
        await outer.UnbindAsync();
        await AbortAsync(outer);
    }

    private bool ListensIn(TestNamespace space)
    {
        IPEndPoint at = _bridge.Settings.Listen[0].Sockets().Select(wanted => new IPEndPoint(wanted.Address, wanted.Port)).Single();
        try
        {
            using Socket free = protocol == "udp" ? space.BindUdp(at) : space.Listen(at);
            return false;
        }
        catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return true;
        }
    }

    private Task FollowAsync()
    {
        _outer.OnNamespaceChanged();
        return _parts.Loop.InvokeAsync(() => { });
    }

    private static BridgeSettings Settings(string protocol) => LoadedText.Right(string.Create(CultureInfo.InvariantCulture,
        $""" "Name":"web", "Protocol":"{protocol}", "Listen":"127.0.0.1:{HostSockets.FreePort()}", "Namespace":"host", "Target":"127.0.0.1:3000" """)).Bridges[0];

    private static Task AbortAsync(IOuterHalf outer) => outer is IOuterCarrier carrier ? carrier.AbortAsync() : Task.CompletedTask;

    private static IOuterHalf Outer(Bridge bridge, BridgeParts parts, NamespaceTracker place) =>
        parts.Halves.MakeOuter(bridge, bridge.Clients, parts.Loop, place);
}
