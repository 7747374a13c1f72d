using System.Net;
using System.Net.Sockets;
using NsBridge.Bridges;
using NsBridge.ComponentTests.Hosting;
using NsBridge.Configuration.Settings;
using NsBridge.Fixtures;
using NsBridge.Hosting;
using NsBridge.HotRestart;
using NsBridge.Linux.Interop;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>Which listening sockets a bridge that is made anew goes on with, and which ones must be gone before it binds.</summary>
internal sealed class ListenerTakeoverTests
{
    [TestCase("tcp", "\"*:PORT\"", "[\"0.0.0.0:PORT\", \"[::]:PORT\"]")]
    [TestCase("tcp", "[\"0.0.0.0:PORT\", \"[::]:PORT\"]", "\"*:PORT\"")]
    [TestCase("tcp", "\"[::]:PORT\"", "\"*:PORT\"")]
    [TestCase("udp", "\"*:PORT\"", "[\"0.0.0.0:PORT\", \"[::]:PORT\"]")]
    [TestCase("udp", "\"[::]:PORT\"", "\"*:PORT\"")]
    public async Task Reload_BetweenOneSocketForBothFamiliesAndOneEach_IsUpAtOnce(string protocol, string before, string after)
    {
        string port = FleetScene.FreePort();
        await using var scene = new FleetScene();
        DaemonSettings With(string listen) =>
            scene.Web($""", "Protocol":"{protocol}", "Listen":{listen.Replace("PORT", port, StringComparison.Ordinal)} """);
        await scene.StartAsync(With(before));

        await scene.Fleet.ApplyAsync(With(after));

        BridgeReport web = scene.Fleet.Snapshot().Single();
        Assert.That(web.State, Is.EqualTo(BridgeState.Up), web.Reason);
    }

    [Test]
    public async Task Reload_ListenerOfTheHostWhileAnotherNamespaceWantsTheSame_StandsInNobodysWay()
    {
        await using TestNamespace elsewhere = await TestNamespace.CreateAsync();
        string port = FleetScene.FreePort();
        await using var scene = new FleetScene();
        await scene.StartAsync(scene.Web($""", "Listen":"*:{port}" """));

        await scene.Fleet.ApplyAsync(LoadedText.Right(
            Outer("web", $"*:{port}", elsewhere.Name), Outer("other", $"0.0.0.0:{port}", "host")));

        Assert.That(scene.Fleet.Snapshot().Select(bridge => bridge.Reason), Has.None.Contains("EADDRINUSE"));
    }

    [Test]
    public async Task Start_ListenerOfALinkLocalAddress_GoesOn()
    {
        await using TestNamespace space = await TestNamespace.CreateAsync();
        await space.IpAsync("address", "add", "fe80::1/64", "dev", "lo", "nodad");
        using Socket left = space.OpenSocket(AddressFamily.InterNetworkV6);
        left.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.IPv6Only, true);
        left.Bind(new IPEndPoint(IPAddress.Parse("fe80::1%1"), 0));
        left.Listen();
        int port = ((IPEndPoint)left.LocalEndPoint!).Port;
        int descriptor = Libc.Duplicate((int)left.Handle, 3);
        left.Dispose();
        ulong cookie = Libc.SocketCookie(descriptor);
        await using var scene = new FleetScene();
        await scene.Fleet.StartAsync(CancellationToken.None);

        scene.Parts.Inherited.Keep(ListenerSnapshot.Internet(descriptor));
        await scene.Fleet.ApplyAsync(scene.Web($""", "Listen":"[fe80::1%lo]:{port}", "ListenNamespace":"{space.Name}" """));

        Assert.That(scene.Fleet.Snapshot().Single().State, Is.EqualTo(BridgeState.Up));
        Assert.That(Libc.SocketCookie(descriptor), Is.EqualTo(cookie), "it is the same socket");
    }

    [TestCase(false, true)]
    [TestCase(true, false)]
    public void Wanted_WildcardOfIPv4ForEveryAddress_WhereTheMachineHasNoIPv6(bool hasIPv6, bool isWanted)
    {
        using var left = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        left.Bind(new IPEndPoint(IPAddress.Any, 0));
        left.Listen();
        DaemonSettings settings = LoadedText.Right(Outer("web", $"*:{((IPEndPoint)left.LocalEndPoint!).Port}", "host"));

        Assert.That(new WantedListeners(settings.Bridges, hasIPv6).Contains(ListenerSnapshot.Internet((int)left.Handle)), Is.EqualTo(isWanted));
    }

    private static string Outer(string name, string listen, string place) =>
        $""" "Name":"{name}", "Listen":"{listen}", "ListenNamespace":"{place}", "Socket":"/run/nsbridge/none.sock" """;
}
