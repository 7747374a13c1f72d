using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Tcp;

internal sealed class IdleCostTests : BridgeFixture
{
    private const int Connections = 1000;
    // Twice what the design asks for: pages, not objects, are counted here.
    private const long MostPerConnection = 2 * 1024;

    [Test]
    public async Task Connections_Idle_CostAboutNothing()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        for (int warm = 0; warm < 20; warm++)
        {
            using Socket client = await ConnectAsync(scene);
            await client.EchoAsync(Pattern.Take(100_000));
        }
        long before = scene.Daemon.ResidentBytes;
        int threads = ProcessFacts.Threads(scene.Daemon.Id);

        var clients = new List<Socket>();
        for (int client = 0; client < Connections; client++)
        {
            clients.Add(await ConnectAsync(scene));
            await clients[^1].EchoAsync(Pattern.Take(100));
        }
        long growth = scene.Daemon.ResidentBytes - before;
        TimeSpan processorTime = scene.Daemon.ProcessorTime;
        await Task.Delay(TimeSpan.FromSeconds(2));
        TimeSpan idle = scene.Daemon.ProcessorTime - processorTime;

        TestContext.Out.WriteLine($"{growth / Connections} bytes for each of {Connections} idle connections");
        Assert.Multiple(() =>
        {
            Assert.That(growth, Is.LessThan(MostPerConnection * Connections));
            Assert.That(ProcessFacts.Threads(scene.Daemon.Id), Is.LessThanOrEqualTo(threads + 2));
            Assert.That(idle, Is.LessThan(TimeSpan.FromSeconds(0.1)), "processor time in two idle seconds");
        });
    }
}
