using System.Net;
using System.Net.Sockets;
using NsBridge.Bridges;
using NsBridge.ComponentTests.Hosting;
using NsBridge.Configuration.Settings;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>Bridges to which systemd hands sockets over: what is told of them, and of sockets that no bridge takes.</summary>
internal sealed class HandedOverTests
{
    [Test]
    public async Task Report_OfABridgeWithASocket_TellsWhereItListens()
    {
        using Socket socket = FleetScene.Listener();
        await using var scene = new FleetScene(("web", socket));

        await scene.StartAsync(scene.Web(""", "Listen":"127.0.0.1:3003" """));

        BridgeReport web = scene.Fleet.Snapshot().Single();
        Assert.That(web.State, Is.EqualTo(BridgeState.Up), web.Reason);
        Assert.That(web.Listen, Is.EqualTo(new[] { $"{socket.LocalEndPoint}" }));
        Assert.That(scene.Log.Lines, Has.Some.Contains("is up").And.Contains($"{socket.LocalEndPoint}"));
        Assert.That(scene.Log.Lines, Has.None.Contains("3003"));
    }

    [Test]
    public async Task Report_OfASocketForBothFamilies_IsWrittenAsInTheConfiguration()
    {
        using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        socket.Listen();
        await using var scene = new FleetScene(("web", socket));

        await scene.StartAsync(scene.Web(""", "Listen":"127.0.0.1:3003" """));

        Assert.That(scene.Fleet.Snapshot().Single().Listen, Is.EqualTo(new[] { $"*:{((IPEndPoint)socket.LocalEndPoint!).Port}" }));
    }

    [Test]
    public async Task Reload_ChangesListenOfABridgeWithASocket_SaysWhatReplacesIt()
    {
        using Socket socket = FleetScene.Listener();
        await using var scene = new FleetScene(("web", socket));
        await scene.StartAsync(scene.Web(""", "Listen":"127.0.0.1:3003" """));

        await scene.Fleet.ApplyAsync(scene.Web(""", "Listen":"127.0.0.1:3004" """));

        Assert.That(scene.Log.Lines.Where(line => line.Contains("127.0.0.1:3004", StringComparison.Ordinal)).ToList(),
            Has.Count.EqualTo(1).And.All.Contains($"{socket.LocalEndPoint}").And.All.Contains("replaces"));
    }

    [TestCase("web", "", "web has no \"Listen\"")]
    [TestCase("web", ", \"Listen\":\"127.0.0.1:PORT\", \"Enabled\":false", "web is switched off")]
    [TestCase("web", ", \"Listen\":\"127.0.0.1:PORT\", \"ListenNamespace\":\"vpn\"", "web listens in network namespace vpn")]
    [TestCase("wbe", ", \"Listen\":\"127.0.0.1:PORT\"", "no bridge has that name")]
    [TestCase("", ", \"Listen\":\"127.0.0.1:PORT\"", "without a name")]
    public async Task Socket_ThatNoBridgeTakes_IsToldOnceWithTheReason(string name, string keys, string reason)
    {
        using Socket socket = FleetScene.Listener();
        await using var scene = new FleetScene((name, socket));
        DaemonSettings settings = scene.Web(keys.Replace("PORT", FleetScene.FreePort(), StringComparison.Ordinal));

        await scene.StartAsync(settings);
        await scene.Fleet.ApplyAsync(settings);

        Assert.That(scene.Log.Lines.Where(line => line.Contains(reason, StringComparison.Ordinal)).ToList(),
            Has.Count.EqualTo(1).And.All.Contains("wait in vain"), string.Join('\n', scene.Log.Lines));
    }

    [Test]
    public async Task Socket_ThatAReloadTakesFromItsBridge_IsToldThen()
    {
        using Socket socket = FleetScene.Listener();
        await using var scene = new FleetScene(("web", socket));
        await scene.StartAsync(scene.Web(""", "Listen":"127.0.0.1:3003" """));
        int told = scene.Log.Lines.Count;

        await scene.Fleet.ApplyAsync(scene.Web(""));

        Assert.That(scene.Log.Lines.Skip(told), Has.Some.Contains("wait in vain"));
    }

    [Test]
    public async Task Socket_OfABridgeThatListensElsewhere_IsNotServed()
    {
        using Socket socket = FleetScene.Listener();
        await using var scene = new FleetScene(("web", socket));

        await scene.StartAsync(scene.Web(""", "Listen":"127.0.0.1:3003", "ListenNamespace":"/proc/self/ns/net" """));

        Assert.That(scene.Fleet.Snapshot().Single().State, Is.Not.EqualTo(BridgeState.Up));
    }
}
