using System.Net;
using System.Net.Sockets;
using NsBridge.ComponentTests.Hosting;
using NsBridge.Fixtures;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>Places for clients that wait for their target.</summary>
internal sealed class ParkedShareTests
{
    private const int MostPerClient = 256;

    [Test]
    [Promise("fair")]
    public async Task ParkedClients_OfOneAddress_TakeAQuarterOfThePlaces()
    {
        var listen = new IPEndPoint(IPAddress.Loopback, HostSockets.FreePort());
        var clients = new List<Socket>();
        await using var scene = new FleetScene();
        string keys = $""" "Socket":"{scene.PathOf("web.sock")}", "Namespace":"host", "Target":"127.0.0.1:1", "Listen":"{listen}" """;
        await scene.StartAsync(LoadedText.Right($""" "Name":"web", "TargetWait":"00:01:00", {keys} """));

        for (int client = 0; client < MostPerClient; client++)
            clients.Add(await TestClient.TcpAsync(listen));
        await scene.InAsync(MostPerClient);
        for (int beyond = 0; beyond < 20; beyond++)
            Assert.That(await TestClient.EndingAsync(listen), Is.EqualTo(Ending.Reset));
        await scene.InAsync(MostPerClient);
        clients.Add(await TestClient.TcpAsync(listen, IPAddress.Parse("127.0.0.2")));
        await scene.InAsync(MostPerClient + 1);
        await Eventually.TrueAsync(
            () => scene.Fleet.Snapshot()[0].Parked == MostPerClient + 1, TimeSpan.FromSeconds(10), "each is counted as parked");

        clients.ForEach(client => client.Dispose());
    }
}
