using System.Diagnostics;
using System.Net;
using System.Text.Json;
using NsBridge.IntegrationTests.FailsClosed;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Namespaces;

/// <summary>A missing namespace is a state, a new one is served, a re-created one is followed.</summary>
internal sealed class FollowsTests : BridgeFixture
{
    private static readonly TimeSpan s_promised = TimeSpan.FromSeconds(2);
    private const int Port = 3000;
    private const byte Right = 42;

    private readonly IPEndPoint _listen = FreeEndPoint();

    [TestCase("handoff")]
    [TestCase("relay")]
    [Promise("netns.waits")]
    public async Task Namespace_AppearsAfterTheStart_IsServedWithinTwoSeconds(string join)
    {
        TestNamespace space = await ReserveNamespaceAsync();
        await StartAsync(Bridge(space.Name) with { Join = join });
        Assert.That(await Decoy.ProbeAsync(_listen), Is.Null);

        for (int generation = 0; generation < 3; generation++)
        {
            await space.AddAsync();
            var appeared = Stopwatch.StartNew();
            TargetServer server = Target(space, Decoy.Answers(Right), Port);
            await Eventually.TrueAsync(async () => await Decoy.ProbeAsync(_listen) == Right, s_promised,
                $"generation {generation} is served");
            Assert.That(appeared.Elapsed, Is.LessThan(s_promised));
            await server.DisposeAsync();
            await space.DeleteAsync();
        }
    }

    [Test]
    [Promise("netns.follows")]
    public async Task Namespace_ByPath_IsServedAndFollowed()
    {
        ScratchDirectory folder = Scratch();
        TestNamespace space = await NamespaceAsync();
        Target(space, Decoy.Answers(Right), Port);
        string path = folder.Write("elsewhere", "");
        await StartAsync(Bridge(path));
        Assert.That(await Decoy.ProbeAsync(_listen), Is.Null);

        await Command.CheckAsync("mount", "--bind", space.FilePath, path);
        try
        {
            await Eventually.TrueAsync(async () => await Decoy.ProbeAsync(_listen) == Right, s_promised,
                "the namespace by its path is served");
        }
        finally
        {
            await Command.CheckAsync("umount", path);
        }
        Assert.That(await Decoy.ProbeAsync(_listen), Is.Null);
    }

    [Test]
    public async Task Namespaces_HundredsGoAtOnce_AreAllToldWithinTwoSeconds()
    {
        const int count = 300;
        string folder = Directory.CreateDirectory(Scratch()["many"]).FullName;
        TestNamespace space = await NamespaceAsync();
        await Command.CheckAsync("mount", "-t", "tmpfs", "none", folder);
        try
        {
            await Command.CheckAsync("sh", "-c",
                $"cd {folder}; for i in $(seq {count}); do : > $i; mount --bind {space.FilePath} $i; done");
            DaemonProcess daemon = await StartAsync(
                [.. Enumerable.Range(1, count)
                    .Select(i => new BridgeEntry($"b{i}") { Namespace = $"{folder}/{i}", Target = "127.0.0.1:1" })]);
            await daemon.WaitStatusAsync(bridge => bridge.GetProperty("state").GetString() == "up", "all are up");

            await Command.CheckAsync("umount", "-l", folder);
            var gone = Stopwatch.StartNew();
            await daemon.WaitStatusAsync(bridge => bridge.GetProperty("state").GetString() == "waiting", "all wait");
            Assert.That(gone.Elapsed, Is.LessThan(s_promised));
        }
        finally
        {
            await Command.RunAsync("umount", ["-l", folder]);
        }
    }

    [Test]
    public async Task Namespace_ByProcess_IsServedUntilTheProcessEnds()
    {
        TestNamespace space = await NamespaceAsync();
        Target(space, Decoy.Answers(Right), Port);
        BackgroundProcess process = Own(space.Start("sleep", "600"));
        await Eventually.TrueAsync(
            () =>
                new FileInfo($"/proc/{process.Id}/ns/net").LinkTarget != new FileInfo("/proc/self/ns/net").LinkTarget, Soon,
                "the process is inside");
        await StartAsync(Bridge($"pid:{process.Id}"));

        await Eventually.TrueAsync(async () => await Decoy.ProbeAsync(_listen) == Right, s_promised, "the process's namespace is served");
        process.Dispose();
        Assert.That(await Decoy.ProbeAsync(_listen), Is.Null);
    }

    [TestCase("says what runs already")]
    [TestCase("Bridge web was changed")]
    [TestCase("Reloaded")]
    public async Task Reload_AfterTheProcessHasEnded_LooksForTheOneThatHasItsNumberNow(string how)
    {
        TestNamespace space = await NamespaceAsync();
        BackgroundProcess process = Own(space.Start("sleep", "600"));
        int number = process.Id;
        await Eventually.TrueAsync(
            () =>
                new FileInfo($"/proc/{number}/ns/net").LinkTarget != new FileInfo("/proc/self/ns/net").LinkTarget, Soon,
                "the process is inside");
        BridgeEntry entry = Bridge($"pid:{number}");
        DaemonProcess daemon = await StartAsync(entry);
        await daemon.WaitStatusAsync(bridge => bridge.GetProperty("state").GetString() == "up", "the process's namespace is found");
        process.Dispose();
        await daemon.WaitStatusAsync(HasReason($"process {number} has ended"), "that process is not there any more");

        // No process has the number: a different reason shows that it was looked up again.
        daemon.Rewrite(new DaemonConfig(how switch
        {
            "Reloaded" => entry with { KeepAlive = TimeSpan.FromSeconds(30) },
            "Bridge web was changed" => entry with { MaxConnections = 1 },
            _ => entry,
        }));
        await daemon.SignalAsync("HUP");
        await daemon.WaitLogAsync(how);

        await daemon.WaitStatusAsync(HasReason($"there is no process {number}"), "nor another one with its number");
    }

    private static Func<JsonElement, bool> HasReason(string reason) => bridge => bridge.GetProperty("reason").GetString() == reason;

    [Test]
    public async Task Listener_InANamespaceOfItsOwn_IsReachedThereAlone()
    {
        TestNamespace outside = await NamespaceAsync();
        TestNamespace inside = await NamespaceAsync();
        Target(inside, Decoy.Answers(Right), Port);
        await StartAsync(Bridge(inside.Name) with { ListenNamespace = outside.Name });

        await Eventually.TrueAsync(async () => await Decoy.ProbeAsync(_listen, outside) == Right, Soon, "the listener in its namespace");

        Assert.That(HostSockets.IsListening(_listen), Is.False);
    }

    private BridgeEntry Bridge(string reference) =>
        new("web") { Listen = _listen.ToString(), Namespace = reference, Target = $"127.0.0.1:{Port}" };
}
