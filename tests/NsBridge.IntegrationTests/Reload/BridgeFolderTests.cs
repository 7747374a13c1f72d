using System.Net;
using System.Net.Sockets;
using NsBridge.IntegrationTests.Commands;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Reload;

/// <summary>Files that come to conf.d, change and go are reloads, and touch no other bridge.</summary>
[Promise("config.conf-d")]
[Parallelizable(ParallelScope.All)]
internal sealed class BridgeFolderTests : BridgeFixture
{
    private readonly IPEndPoint _first = FreeEndPoint();
    private readonly IPEndPoint _second = FreeEndPoint();
    private BridgeEntry _kept = null!;
    private BridgeEntry _added = null!;

    [SetUp]
    public async Task MakeBridgesAsync()
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, Serve.Echo);
        _kept = new BridgeEntry("kept") { Listen = _first.ToString(), Namespace = space.Name, Target = server.EndPoint.ToString() };
        _added = _kept with { Name = "added", Listen = _second.ToString() };
    }

    [Test]
    public async Task File_ComesChangesAndGoes_WithoutASignal()
    {
        DaemonProcess daemon = await StartAsync(_kept);
        Directory.CreateDirectory(FolderOf(daemon));
        Save(daemon, "vpn.json", Json(_added));
        await daemon.WaitListeningAsync(_added);

        IPEndPoint third = FreeEndPoint();
        Save(daemon, "vpn.json", Json(_added with { Listen = third.ToString() }));
        await daemon.WaitListeningAsync(third);
        await daemon.WaitNotListeningAsync(_second);

        File.Delete(Path.Combine(FolderOf(daemon), "vpn.json"));
        await daemon.WaitNotListeningAsync(third);
        Assert.That(HostSockets.IsListening(_first), Is.True);
    }

    [Test]
    public async Task File_Wrong_RefusesTheWholeReloadAndIsNamedByCheck()
    {
        DaemonProcess daemon = await StartAsync(_kept);
        Directory.CreateDirectory(FolderOf(daemon));
        Save(daemon, "a.json", Json(_added));
        Save(daemon, "b.json", Json(_added with { Name = "wrong", Listen = "nonsense" }));
        await daemon.SignalAsync("HUP");
        await daemon.WaitLogAsync("b.json: NsBridge:Bridges:0:Listen");

        CommandResult check = await Executable.RunAsync(["check", "--json", "--config", daemon.ConfigurationFile]);
        Assert.That(check.ExitCode, Is.EqualTo(78), check.Everything);
        Assert.That(check.Output, Does.Contain("\"path\": \"NsBridge:Bridges:0:Listen\"").And.Contain("\"value\": \"nonsense\"")
            .And.Contain($"\"file\": \"{FolderOf(daemon)}/b.json\"").And.Contain("\"expectation\": "));
        Assert.That(HostSockets.IsListening(_second), Is.False);

        File.Delete(Path.Combine(FolderOf(daemon), "b.json"));
        await daemon.WaitListeningAsync(_added);
    }

    /// <summary>A stream runs through the bridge that stays while another comes, changes and goes 200 times.</summary>
    [Test]
    public async Task Files_ChangedTwoHundredTimesUnderLoad_LoseNoByteOfTheOtherBridge()
    {
        DaemonProcess daemon = await StartAsync(_kept);
        Directory.CreateDirectory(FolderOf(daemon));
        Socket client = Own(await TestClient.TcpAsync(_first));
        using var stop = new CancellationTokenSource();
        Task<int> load = EchoUntilAsync(client, stop.Token);

        BridgeEntry refusing = _added with { AllowFrom = ["192.0.2.0/24"] };
        for (int change = 0; change < 200; change += 4)
        {
            Save(daemon, "vpn.json", Json(_added));
            await daemon.SignalAsync("HUP");
            await daemon.WaitListeningAsync(_second);
            Save(daemon, "vpn.json", "{ \"NsBridge\": ");
            await daemon.SignalAsync("HUP");
            Save(daemon, "vpn.json", Json(refusing));
            await daemon.SignalAsync("HUP");
            File.Delete(Path.Combine(FolderOf(daemon), "vpn.json"));
            await daemon.SignalAsync("HUP");
            await daemon.WaitNotListeningAsync(_second);
        }

        await stop.CancelAsync();
        Assert.That(await load, Is.Positive);
        Assert.That(client.Connected, Is.True);
    }

    private static string FolderOf(DaemonProcess daemon) => Path.Combine(Path.GetDirectoryName(daemon.ConfigurationFile)!, "conf.d");

    private static void Save(DaemonProcess daemon, string name, string text) =>
        File.WriteAllText(Path.Combine(FolderOf(daemon), name), text);

    private static string Json(params BridgeEntry[] bridges) => new DaemonConfig(bridges).ToJson();

    private static async Task<int> EchoUntilAsync(Socket client, CancellationToken stop)
    {
        byte[] block = Pattern.Take(64 << 10);
        int rounds = 0;
        for (; !stop.IsCancellationRequested; rounds++)
            await client.EchoAsync(block);
        return rounds;
    }
}
