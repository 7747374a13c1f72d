using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using NsBridge.Bridges;
using NsBridge.Bridges.Udp;
using NsBridge.Configuration;
using NsBridge.Namespaces;
using NsBridge.Operations.Systemd;
using NsBridge.UnitTests.Configuration;

namespace NsBridge.UnitTests.Bridges;

internal sealed class OuterHalfTests
{
    [TestCase("tcp")]
    [TestCase("udp")]
    public async Task Namespace_ChangesWhileTheBridgeStarts_NobodyIsLetInBeforeItsTurn(string protocol)
    {
        BridgeSettings settings = Settings(protocol);
        using var sockets = SystemdSockets.Adopt([]);
        using var engine = new BridgeEngine(1, mayRing: false, sockets, NullLoggerFactory.Instance);
        using var bridge = new Bridge(settings, engine);
        var place = engine.Namespaces.Acquire(settings.ListenNamespace);
        await place.FirstLook;
        IOuterHalf outer = Outer(bridge, engine, place);

        outer.FollowNamespace();
        await engine.Loops[0].InvokeAsync(() => { });
        Assert.That(outer.IsBound, Is.False);

        await outer.BindAsync();
        Assert.That(outer.IsBound);
        await outer.UnbindAsync();
        await outer.AbortAsync();
        engine.Kept.CloseRest();
        engine.Namespaces.Release(place);
    }

    [TestCase("tcp")]
    [TestCase("udp")]
    public async Task Namespace_ChangesAfterTheBridgeWasTakenAway_NothingIsBoundAgain(string protocol)
    {
        BridgeSettings settings = Settings(protocol);
        using var sockets = SystemdSockets.Adopt([]);
        using var engine = new BridgeEngine(1, mayRing: false, sockets, NullLoggerFactory.Instance);
        using var bridge = new Bridge(settings, engine);
        var place = engine.Namespaces.Acquire(settings.ListenNamespace);
        await place.FirstLook;
        IOuterHalf outer = Outer(bridge, engine, place);
        await outer.BindAsync();
        await outer.UnbindAsync();

        outer.FollowNamespace();
        await engine.Loops[0].InvokeAsync(() => { });
        Assert.That(outer.IsBound, Is.False);

        await outer.AbortAsync();
        engine.Kept.CloseRest();
        engine.Namespaces.Release(place);
    }

    private static BridgeSettings Settings(string protocol) => LoadedText.Right(string.Create(CultureInfo.InvariantCulture,
        $""" "Name":"web", "Protocol":"{protocol}", "Listen":"127.0.0.1:{FreePort()}", "Namespace":"host", "Target":"127.0.0.1:3000" """)).Bridges[0];

    private static IOuterHalf Outer(Bridge bridge, BridgeEngine engine, NamespacePlace place) =>
        bridge.Settings.Protocol == BridgeProtocol.Udp ? new UdpOuterHalf(bridge, engine, engine.Loops[0], place) : new OuterHalf(bridge, engine, engine.Loops[0], place);

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
