using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Tcp;

[Promise("tcp.backpressure")]
[Parallelizable(ParallelScope.All)]
internal sealed class StalledReaderTests : BridgeFixture
{
    private const int Readers = 40;
    private const long Length = 64L << 20;
    private const long MostGrowth = 60L << 20;

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task StalledReaders_FortyOf64MiB_CostLessThan60MiBAndLoseNothing(string join)
    {
        long sent = 0;
        Scene scene = await SceneAsync(
            Serve.Source(Length, count => Interlocked.Add(ref sent, count)), entry => entry with { Join = join });
        using (Socket warm = await ConnectAsync(scene))
            await warm.ReceiveExactlyAsync(1 << 20);
        long before = scene.Daemon.ResidentBytes;

        var readers = new List<Socket>();
        for (int reader = 0; reader < Readers; reader++)
            readers.Add(await ConnectAsync(scene, reader % 4 == 0 ? Door.Unix : Door.Tcp));
        await Eventually.SteadyAsync(
            () =>
                Interlocked.Read(ref sent), TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(60),
                "the servers have stopped for the readers");
        long growth = scene.Daemon.ResidentBytes - before;

        Assert.That(growth, Is.LessThan(MostGrowth));
        Assert.That(Interlocked.Read(ref sent), Is.LessThan(Readers * Length), "the servers were slowed");
        foreach (Socket? reader in readers.Take(3))
            Assert.That(await reader.ReceivePatternAsync(), Is.EqualTo(Length));
        TestContext.Out.WriteLine($"{growth >> 20} MiB for {Readers} stalled readers");
    }

    [Test]
    public async Task StalledReader_PausesForManyKeepAlives_LosesNothing()
    {
        long sent = 0;
        Scene scene = await SceneAsync(
            Serve.Source(Length, count => Interlocked.Add(ref sent, count)), entry => entry with { KeepAlive = TimeSpan.FromSeconds(1) });
        Socket reader = await ConnectAsync(scene);
        await Eventually.SteadyAsync(() => Interlocked.Read(ref sent), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30),
            "the server has stopped for the reader");

        // Only time itself shows that nothing counts it.
        await Task.Delay(TimeSpan.FromSeconds(20));

        Assert.That(await reader.ReceivePatternAsync(), Is.EqualTo(Length));
    }
}
