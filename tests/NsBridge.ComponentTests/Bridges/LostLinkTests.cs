using System.Globalization;
using NsBridge.Bridges;
using NsBridge.ComponentTests.Hosting;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>A UDP bridge whose halves lose the link between them.</summary>
internal sealed class LostLinkTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(10);

    [Test]
    public async Task UdpBridge_WhoseListenerTheServiceManagerKeeps_IsUpAgain()
    {
        string port = FleetScene.FreePort();
        await using var scene = new FleetScene();
        await scene.StartAsync(scene.Web($""", "Protocol":"udp", "Listen":"127.0.0.1:{port}" """));
        await Eventually.TrueAsync(() => Listeners(port).Count == 2, s_deadline, "each half has the listener");
        int kept = Libc.Duplicate(Listeners(port)[0]);
        try
        {
            Lose();
            await Eventually.TrueAsync(() => scene.Log.Lines.Any(line => line.Contains("has gone", StringComparison.Ordinal)), s_deadline, "the link is lost");

            await Eventually.TrueAsync(() => Listeners(port).Count == 3, s_deadline, "both halves have the listener again");
            await Eventually.TrueAsync(() => scene.Fleet.Snapshot().Single().State == BridgeState.Up, s_deadline, "it is up");
        }
        finally
        {
            Libc.Close(kept);
        }
    }

    [Test]
    public async Task UdpBridge_WhoseListenersNamespaceGoesWithTheLink_LetsTheListenerGo()
    {
        await using TestNamespace space = await TestNamespace.CreateAsync();
        string port = FleetScene.FreePort();
        await using var scene = new FleetScene();
        await scene.StartAsync(scene.Web($""", "Protocol":"udp", "Listen":"127.0.0.1:{port}", "ListenNamespace":"{space.Name}" """));
        await Eventually.TrueAsync(() => Listeners(port).Count == 2, s_deadline, "each half has the listener");

        // In this order: the bridge lets the link go too, once it sees that the namespace has gone.
        Lose();
        await space.DeleteAsync();

        await Eventually.TrueAsync(() => Listeners(port).Count == 0, s_deadline, "nothing of the namespace is held");
    }

    /// <summary>Ends the link under both halves.</summary>
    private static void Lose()
    {
        List<int> links = Descriptors((in SockAddr address) => JoinPeerName.Of(address).Kind == JoinKind.Datagrams);
        Assert.That(links, Has.Count.EqualTo(1));
        Libc.Shutdown(links[0], Libc.SHUT_WR);
    }

    private static List<int> Listeners(string port) =>
        Descriptors((in SockAddr address) => address.Family == Libc.AF_INET && address.Port == int.Parse(port, CultureInfo.InvariantCulture));

    private delegate bool Which(in SockAddr local);

    /// <summary>Sockets of this process by their own address.</summary>
    private static List<int> Descriptors(Which which) =>
    [
        .. Directory.GetFileSystemEntries("/proc/self/fd").Select(entry => int.Parse(Path.GetFileName(entry), CultureInfo.InvariantCulture))
            .Where(descriptor => Libc.LocalAddress(descriptor, out SockAddr local) >= 0 && which(local)),
    ];
}
