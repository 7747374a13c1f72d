using System.Net;
using System.Net.Sockets;
using NsBridge.Bridges;
using NsBridge.ComponentTests.Hosting;
using NsBridge.Configuration.Settings;
using NsBridge.Fixtures;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>Where a reload leads the clients who wait for a target.</summary>
internal sealed class ReloadedWaitTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly string _port = FleetScene.FreePort();

    [TestCase("handoff", Door.Tcp)]
    [TestCase("relay", Door.Tcp)]
    [TestCase("handoff", Door.Unix)]
    public async Task Reload_AnotherNamespace_IsWhereTheyGo(string join, Door door)
    {
        await using var scene = new FleetScene();
        using Socket target = FleetScene.Listener();
        await scene.StartAsync(Whole(scene, $""", "Namespace":"{Absent()}", "Target":"{target.LocalEndPoint}", "Join":"{join}" """));
        using Socket client = door == Door.Tcp ? await DialAsync() : await TestClient.UnixAsync(scene.PathOf("web.sock"));
        await scene.InAsync(1);

        await scene.Fleet.ApplyAsync(Whole(scene, $""", "Namespace":"host", "Target":"{target.LocalEndPoint}", "Join":"{join}" """));

        await AssertServedAsync(client, target);
        BridgeReport report = scene.Fleet.Snapshot().Single();
        Assert.That((report.Active, report.Total), Is.EqualTo((1L, 1L)), "counted once");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Reload_OuterHalfAloneAnotherSocket_IsWhereTheyGo(string join)
    {
        await using var scene = new FleetScene();
        using Socket target = FleetScene.Listener();
        await scene.StartAsync(LoadedText.Right(Outer(scene, join, "absent.sock")));
        using Socket client = await DialAsync();
        await scene.InAsync(1);

        await scene.Fleet.ApplyAsync(LoadedText.Right(
            Outer(scene, join, "there.sock"),
            $""" "Name":"inner", "Socket":"{scene.PathOf("there.sock")}", "Namespace":"host", "Target":"{target.LocalEndPoint}" """));

        await AssertServedAsync(client, target);
    }

    [TestCase("removed", "handoff")]
    [TestCase("removed", "relay")]
    [TestCase("switched off", "handoff")]
    [TestCase("switched off", "relay")]
    [TestCase("of another protocol", "handoff")]
    public async Task Reload_BridgeThatTakesThemNowhere_ResetsThem(string how, string join)
    {
        await using var scene = new FleetScene();
        string keys = $""", "Namespace":"{Absent()}", "Target":"127.0.0.1:3000", "Join":"{join}" """;
        await scene.StartAsync(Whole(scene, keys));
        using Socket client = await DialAsync();
        await scene.InAsync(1);

        await scene.Fleet.ApplyAsync(how switch
        {
            "removed" => LoadedText.Right(),
            "switched off" => Whole(scene, keys + """, "Enabled":false """),
            _ => Whole(scene, keys.Replace($"\"Join\":\"{join}\"", "\"Protocol\":\"udp\"", StringComparison.Ordinal)),
        });

        Assert.That(await client.EndingAsync(s_soon), Is.EqualTo(Ending.Reset));
        await scene.Fleet.ApplyAsync(Whole(scene, keys));
        await scene.InAsync(0);
    }

    private DaemonSettings Whole(FleetScene scene, string keys) =>
        LoadedText.Right($""" "Name":"web", "Listen":"127.0.0.1:{_port}", "Socket":"{scene.PathOf("web.sock")}", "TargetWait":"00:01:00" {keys} """);

    private string Outer(FleetScene scene, string join, string socket) =>
        $""" "Name":"web", "Listen":"127.0.0.1:{_port}", "Socket":"{scene.PathOf(socket)}", "TargetWait":"00:01:00", "Join":"{join}" """;

    private static string Absent() => $"nsbt{Random.Shared.Next():x8}";

    private Task<Socket> DialAsync() => TestClient.TcpAsync(IPEndPoint.Parse($"127.0.0.1:{_port}"));

    private static async Task AssertServedAsync(Socket client, Socket target)
    {
        using Socket served = await target.AcceptAsync().WaitAsync(s_soon);
        await served.SendAllAsync("welcome"u8.ToArray());
        Assert.That(await client.ReceiveExactlyAsync(7).WaitAsync(s_soon), Is.EqualTo("welcome"u8.ToArray()));
    }
}
