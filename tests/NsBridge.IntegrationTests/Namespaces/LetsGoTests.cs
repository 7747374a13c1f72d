using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Namespaces;

/// <summary>
/// A deleted namespace is never kept alive. The target is behind a veth pair in a second namespace, so that the daemon alone could keep the
/// first one: the kernel takes the pair away exactly when the first one is freed.
/// </summary>
[Promise("netns.never-pins")]
[Parallelizable(ParallelScope.All)]
internal sealed class LetsGoTests : BridgeFixture
{
    private static readonly TimeSpan s_promised = TimeSpan.FromSeconds(5);
    /// <summary>More than a peer takes that reads nothing, and less than the daemon's socket holds in addition.</summary>
    private const int UnackedBytes = 300_000;
    private static readonly byte[] s_hello = Pattern.Take(1000);

    [TestCase("handoff", Door.Tcp)]
    [TestCase("handoff", Door.Unix)]
    [TestCase("relay", Door.Tcp)]
    [TestCase("relay", Door.Unix)]
    public async Task Delete_WithLiveConnections_FreesTheNamespaceAndResetsThem(string join, Door door)
    {
        VethScene scene = await BeyondVethAsync(entry => entry with { Join = join });
        var clients = new List<Socket>();
        for (int client = 0; client < 20; client++)
        {
            clients.Add(Own(door == Door.Tcp ? await TestClient.TcpAsync(scene.Listen)
                : await TestClient.UnixAsync(scene.Daemon.SocketPath("far"))));
            await clients[^1].EchoAsync(s_hello);
        }

        await scene.Near.DeleteAsync();
        TimeSpan took = await Eventually.TrueAsync(
            async () =>
                !await scene.Far.HasLinkAsync(scene.FarLink), s_promised, $"the deleted namespace is freed\n{scene.Daemon.LogText()}");

        TestContext.Out.WriteLine($"freed after {took.TotalSeconds:0.00} s");
        Ending[] endings = await Task.WhenAll(clients.Select(client => client.EndingAsync(Soon)));
        if (door == Door.Tcp)
            Assert.That(endings, Is.All.EqualTo(Ending.Reset));
    }

    [Test]
    public async Task Delete_WhileDialling_FreesTheNamespace()
    {
        // No host has this address; the host that is responsible by the routing table does not answer.
        VethScene scene = await BeyondVethAsync(entry => entry with { Target = "10.254.9.3:9", ConnectTimeout = TimeSpan.FromSeconds(60) });
        Socket client = Own(await TestClient.TcpAsync(scene.Listen));

        await scene.Near.DeleteAsync();

        await Eventually.TrueAsync(
            async () =>
                !await scene.Far.HasLinkAsync(scene.FarLink), s_promised, $"the deleted namespace is freed\n{scene.Daemon.LogText()}");
        await client.EndingAsync(Soon);
    }

    [Test]
    public async Task Delete_WhileAProbeWaits_FreesTheNamespace()
    {
        VethScene scene = await BeyondVethAsync(entry => entry with
        {
            Target = "10.254.9.3:9",
            ConnectTimeout = TimeSpan.FromSeconds(60),
            Probe = TimeSpan.FromSeconds(1),
        });
        await Eventually.TrueAsync(
            async () => (await scene.Near.RunAsync("ss", "-Htn", "state", "syn-sent")).Contains("10.254.9.3:9", StringComparison.Ordinal),
            Soon, "a probe is under way");

        await scene.Near.DeleteAsync();

        await Eventually.TrueAsync(
            async () => !await scene.Far.HasLinkAsync(scene.FarLink), s_promised,
            $"the deleted namespace is freed\n{scene.Daemon.LogText()}");
    }

    [Test]
    public async Task Delete_WhenToldToDrain_LetsConnectionsEndAndThenFrees()
    {
        VethScene scene = await BeyondVethAsync(entry => entry with { WhenNamespaceGoes = "drain" });
        Socket client = Own(await TestClient.TcpAsync(scene.Listen));
        await client.EchoAsync(s_hello);

        await scene.Near.DeleteAsync();
        // Beyond the time within which the other setting would have ended it; the echo itself shows that nothing did.
        await Task.Delay(s_promised + TimeSpan.FromSeconds(0.5));
        await client.EchoAsync(s_hello);
        client.Dispose();

        await Eventually.TrueAsync(async () => !await scene.Far.HasLinkAsync(scene.FarLink), s_promised, "the deleted namespace is freed");
    }

    [Test]
    public async Task Delete_WhenToldToDrainAndThenToClose_FreesTheNamespace()
    {
        BridgeEntry? drained = null;
        VethScene scene = await BeyondVethAsync(entry => drained = entry with { WhenNamespaceGoes = "drain" });
        Socket client = Own(await TestClient.TcpAsync(scene.Listen));
        await client.EchoAsync(s_hello);
        await scene.Near.DeleteAsync();
        await scene.Daemon.WaitLogAsync("is waiting");
        await client.EchoAsync(s_hello);

        scene.Daemon.Rewrite(new DaemonConfig(drained! with { WhenNamespaceGoes = "close" }));

        await Eventually.TrueAsync(
            async () => !await scene.Far.HasLinkAsync(scene.FarLink), s_promised, () =>
                $"the deleted namespace is freed\n{scene.Daemon.LogText()}");
        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Reset));
    }

    [Test]
    public async Task Delete_WithoutConnections_FreesTheNamespaceAtOnce()
    {
        VethScene scene = await BeyondVethAsync(entry => entry);
        using (Socket client = await TestClient.TcpAsync(scene.Listen))
            await client.EchoAsync(s_hello);

        await scene.Near.DeleteAsync();

        await Eventually.TrueAsync(async () => !await scene.Far.HasLinkAsync(scene.FarLink), s_promised, "the deleted namespace is freed");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Delete_AfterAConnectionWhoseTargetHasNotTakenAll_FreesTheNamespace(string join)
    {
        VethScene scene = await BeyondVethAsync(entry => entry with { Join = join }, EndAndReadNothing);
        using (Socket client = await TestClient.TcpAsync(scene.Listen))
        {
            await client.EndingAsync(Soon);
            await client.SendPatternAsync(UnackedBytes);
        }
        await scene.Daemon.WaitStatusAsync(
            bridge => bridge.GetProperty("connections").GetProperty("active").GetInt64() == 0, "the connection is over");

        await scene.Near.DeleteAsync();

        await Eventually.TrueAsync(
            async () =>
                !await scene.Far.HasLinkAsync(scene.FarLink), s_promised, $"the deleted namespace is freed\n{scene.Daemon.LogText()}");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Delete_OfTheListenersAfterAConnectionWhoseClientHasNotTakenAll_FreesTheNamespace(string join)
    {
        TestNamespace near = await NamespaceAsync();
        TestNamespace far = await NamespaceAsync();
        string farLink = await near.LinkToAsync(far, "10.254.13.1/29", "10.254.13.2/29");
        TargetServer server = Own(TargetServer.StartOnHost(FreeEndPoint(), Serve.Source(UnackedBytes)));
        var listen = new IPEndPoint(IPAddress.Parse("10.254.13.1"), 3000);
        DaemonProcess daemon = await StartAsync(new BridgeEntry("back")
        {
            Listen = listen.ToString(),
            ListenNamespace = near.Name,
            Namespace = "host",
            Target = server.EndPoint.ToString(),
            Join = join,
        });
        Socket client = Own(await far.DialAsync(listen));
        client.Shutdown(SocketShutdown.Send);
        await daemon.WaitStatusAsync(
            bridge =>
                bridge.GetProperty("connections") is var count && count.GetProperty("total").GetInt64() == 1 && count.GetProperty("active")
                .GetInt64() == 0,
            "the connection is over");

        await near.DeleteAsync();

        await Eventually.TrueAsync(async () => !await far.HasLinkAsync(farLink), s_promised,
            $"the deleted namespace is freed\n{daemon.LogText()}");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Delete_AfterAConnectionWhoseTargetDidNotTakeTheEnd_FreesTheNamespace(string join)
    {
        VethScene scene = await BeyondVethAsync(
            entry => entry with { Join = join }, static (connection, cancel) => connection.SendAllAsync(s_hello, cancel));
        using (Socket client = await TestClient.TcpAsync(scene.Listen))
        {
            await client.EndingAsync(Soon);
            await scene.Far.IpAsync("link", "set", scene.FarLink, "down");
        }
        await scene.Daemon.WaitStatusAsync(
            bridge => bridge.GetProperty("connections").GetProperty("active").GetInt64() == 0, "the connection is over");

        await scene.Near.DeleteAsync();

        await Eventually.TrueAsync(
            async () =>
                !await scene.Far.HasLinkAsync(scene.FarLink), s_promised, $"the deleted namespace is freed\n{scene.Daemon.LogText()}");
    }

    private static async Task EndAndReadNothing(Socket connection, CancellationToken cancel)
    {
        connection.Shutdown(SocketShutdown.Send);
        await Task.Delay(Timeout.Infinite, cancel);
    }

    private async Task<VethScene> BeyondVethAsync(Func<BridgeEntry, BridgeEntry> with, Func<Socket, CancellationToken, Task>? serve = null)
    {
        TestNamespace near = await NamespaceAsync();
        TestNamespace far = await NamespaceAsync();
        string farLink = await near.LinkToAsync(far, "10.254.9.1/29", "10.254.9.2/29");
        TargetServer server = Own(TargetServer.Start(far.Listen(new IPEndPoint(IPAddress.Parse("10.254.9.2"), 0)), serve ?? Serve.Echo));
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(with(new BridgeEntry("far")
        {
            Listen = listen.ToString(),
            Namespace = near.Name,
            Target = server.EndPoint.ToString(),
        }));
        return new VethScene(near, far, farLink, daemon, listen);
    }
}
