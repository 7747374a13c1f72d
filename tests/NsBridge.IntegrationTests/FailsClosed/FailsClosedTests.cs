using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.FailsClosed;

/// <summary>A connection reaches the target inside the named namespace, or nothing.</summary>
[Promise("netns.fails-closed")]
internal sealed class FailsClosedTests : BridgeFixture
{
    private const int Thousands = 3000;
    private const int Cycles = 80;
    private const byte Right = 42;

    private readonly IPEndPoint _listen = FreeEndPoint();

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Namespace_NeverThere_NothingReachesTheHost(string join)
    {
        Decoy decoy = Own(new Decoy());
        TestNamespace space = await ReserveNamespaceAsync();
        DaemonProcess daemon = await StartAsync(Bridge(space, decoy, join));

        await ProbeManyAsync(daemon, Thousands, answer => Assert.That(answer, Is.Null));

        Assert.That(decoy.Reached, Is.Zero);
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Namespace_Deleted_NothingReachesTheHost(string join)
    {
        Decoy decoy = Own(new Decoy());
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Decoy.Answers(Right), decoy.EndPoint.Port);
        DaemonProcess daemon = await StartAsync(Bridge(space, decoy, join));
        Assert.That(await Decoy.ProbeAsync(_listen), Is.EqualTo(Right));

        await server.DisposeAsync();
        await space.DeleteAsync();
        await ProbeManyAsync(daemon, Thousands, answer => Assert.That(answer, Is.Null));

        Assert.That(decoy.Reached, Is.Zero);
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Namespace_DeletedAndMadeAgainUnderLoad_OnlyTheTargetInsideIsEverReached(string join)
    {
        Decoy decoy = Own(new Decoy());
        TestNamespace space = await ReserveNamespaceAsync();
        DaemonProcess daemon = await StartAsync(Bridge(space, decoy, join));
        using var over = new CancellationTokenSource();
        (int right, int nothing) = (0, 0);
        var load = Enumerable.Range(0, 8).Select(client => Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                byte? answer = client % 4 == 0 ? await Decoy.ProbeAsync(daemon.SocketPath("web")) : await Decoy.ProbeAsync(_listen);
                Assert.That(answer, Is.Null.Or.EqualTo(Right));
                _ = answer is null ? Interlocked.Increment(ref nothing) : Interlocked.Increment(ref right);
            }
        })).ToList();

        for (int cycle = 0; cycle < Cycles; cycle++)
        {
            await space.AddAsync();
            // Every other generation has no server: a dial into it must be refused inside, not led elsewhere.
            if (cycle % 2 == 0)
            {
                int before = Volatile.Read(ref right);
                await using var server = TargetServer.Start(space.Listen(decoy.EndPoint), Decoy.Answers(Right));
                if (cycle % 20 == 0)
                    await Eventually.TrueAsync(() => Volatile.Read(ref right) > before, Soon, "the new generation is served");
            }
            await space.DeleteAsync();
        }
        await over.CancelAsync();
        await Task.WhenAll(load);

        TestContext.Out.WriteLine($"{right} connections served inside, {nothing} reached nothing, {decoy.Reached} went astray");
        Assert.That(decoy.Reached, Is.Zero);
        Assert.That(right, Is.Positive);
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Namespace_AnotherBoundOverItsFile_OnlyTheNewOneIsReached(string join)
    {
        const byte newer = 43;
        Decoy decoy = Own(new Decoy());
        TestNamespace space = await NamespaceAsync();
        TestNamespace other = await NamespaceAsync();
        Target(space, Decoy.Answers(Right), decoy.EndPoint.Port);
        Target(other, Decoy.Answers(newer), decoy.EndPoint.Port);
        DaemonProcess daemon = await StartAsync(Bridge(space, decoy, join));
        Assert.That(await Decoy.ProbeAsync(_listen), Is.EqualTo(Right));

        await Command.CheckAsync("mount", "--bind", other.FilePath, space.FilePath);
        await ProbeManyAsync(daemon, 500, answer => Assert.That(answer, Is.EqualTo(newer)));
        await Command.CheckAsync("umount", space.FilePath);
        await ProbeManyAsync(daemon, 500, answer => Assert.That(answer, Is.EqualTo(Right)));

        Assert.That(decoy.Reached, Is.Zero);
    }

    [Test]
    public async Task Namespace_PlainFileInItsPlace_NothingIsReachedAndTheLogSaysWhy()
    {
        Decoy decoy = Own(new Decoy());
        TestNamespace space = await ReserveNamespaceAsync();
        Directory.CreateDirectory("/run/netns");
        await File.WriteAllTextAsync(space.FilePath, "");
        DaemonProcess daemon = await StartAsync(Bridge(space, decoy, "handoff"));

        await ProbeManyAsync(daemon, 200, answer => Assert.That(answer, Is.Null));
        await daemon.WaitLogAsync(space.Name);
        Assert.That(decoy.Reached, Is.Zero);

        File.Delete(space.FilePath);
        await space.AddAsync();
        Target(space, Decoy.Answers(Right), decoy.EndPoint.Port);
        await Eventually.TrueAsync(async () => await Decoy.ProbeAsync(_listen) == Right, Soon, "the namespace that came after is served");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Namespace_HostsOwnUnderTheName_IsRefused(string join)
    {
        Decoy decoy = Own(new Decoy());
        TestNamespace space = await ReserveNamespaceAsync();
        Directory.CreateDirectory("/run/netns");
        await File.WriteAllTextAsync(space.FilePath, "");
        await Command.CheckAsync("mount", "--bind", "/proc/self/ns/net", space.FilePath);
        DaemonProcess daemon = await StartAsync(Bridge(space, decoy, join));

        await ProbeManyAsync(daemon, 200, answer => Assert.That(answer, Is.Null));

        Assert.That(decoy.Reached, Is.Zero);
        await daemon.WaitLogAsync("host");
    }

    [Test]
    public async Task Namespace_SaidToBeTheHost_ReachesTheHost()
    {
        Decoy decoy = Own(new Decoy());
        await StartAsync(new BridgeEntry("web") { Listen = _listen.ToString(), Namespace = "host", Target = decoy.EndPoint.ToString() });

        await Decoy.ProbeAsync(_listen);

        Assert.That(decoy.Reached, Is.EqualTo(1));
    }

    private BridgeEntry Bridge(TestNamespace space, Decoy decoy, string join) =>
        new("web") { Listen = _listen.ToString(), Namespace = space.Name, Target = decoy.EndPoint.ToString(), Join = join };

    /// <summary>Probes from eight clients at once, every fourth time through the UNIX socket.</summary>
    private async Task ProbeManyAsync(DaemonProcess daemon, int count, Action<byte?> check)
    {
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, _) =>
            check(number % 4 == 0 ? await Decoy.ProbeAsync(daemon.SocketPath("web")) : await Decoy.ProbeAsync(_listen)));
    }
}
