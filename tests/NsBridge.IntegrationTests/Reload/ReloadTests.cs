using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Reload;

/// <summary>Only what changed is touched, and a wrong file changes nothing.</summary>
[Promise("reload")]
[Parallelizable(ParallelScope.All)]
internal sealed class ReloadTests : BridgeFixture
{
    private static readonly byte[] s_hello = Pattern.Take(1000);

    private readonly IPEndPoint _first = FreeEndPoint();
    private readonly IPEndPoint _second = FreeEndPoint();
    private TestNamespace _space = null!;
    private BridgeEntry _kept = null!;
    private BridgeEntry _other = null!;

    [SetUp]
    public async Task MakeBridgesAsync()
    {
        _space = await NamespaceAsync();
        TargetServer server = Target(_space, Serve.Echo);
        _kept = new BridgeEntry("kept") { Listen = _first.ToString(), Namespace = _space.Name, Target = server.EndPoint.ToString() };
        _other = _kept with { Name = "other", Listen = _second.ToString() };
    }

    [TestCase("hangup")]
    [TestCase("in place")]
    [TestCase("in two writes")]
    [TestCase("replace")]
    [TestCase("rename away")]
    public async Task Reload_HoweverTheFileIsSaved_AddsAndRemovesBridgesAndKeepsConnections(string how)
    {
        DaemonProcess daemon = await StartAsync(_kept);
        Socket client = Own(await TestClient.TcpAsync(_first));
        await client.EchoAsync(s_hello);

        await SaveAsync(daemon, how, daemon.ToJson(new DaemonConfig(_kept, _other)));
        await daemon.WaitListeningAsync(_other);
        await Own(await TestClient.TcpAsync(_second)).EchoAsync(s_hello);
        Assert.That(File.Exists(daemon.SocketPath("other")), Is.True);

        await SaveAsync(daemon, how, daemon.ToJson(new DaemonConfig(_kept)));
        await daemon.WaitNotListeningAsync(_second);
        await daemon.WaitAsync(() => !File.Exists(daemon.SocketPath("other")), "the removed bridge's socket is removed");
        await client.EchoAsync(s_hello);
        await Own(await TestClient.TcpAsync(_first)).EchoAsync(s_hello);
    }

    [Test]
    public async Task Reload_TakesABridgeAwayAndTheNextBringsItBack_WhoIsStillInCounts()
    {
        BridgeEntry limited = _kept with { MaxConnections = 1 };
        DaemonProcess daemon = await StartAsync(limited);
        Socket client = Own(await TestClient.TcpAsync(_first));
        await client.EchoAsync(s_hello);

        daemon.Rewrite(new DaemonConfig());
        await daemon.WaitNotListeningAsync(_first);
        daemon.Rewrite(new DaemonConfig(limited));
        await daemon.WaitListeningAsync(_first);

        Assert.That(await TestClient.EndingAsync(_first), Is.EqualTo(Ending.Reset));
        await client.EchoAsync(s_hello);
        client.Dispose();
        await Eventually.TrueAsync(() => EchoesAsync(_first), Soon, "its place is free");
    }

    [TestCase(0, "Bridge other was removed")]
    [TestCase(1, "Bridge other was removed; 1 connection goes on")]
    [TestCase(2, "Bridge other was removed; 2 connections go on")]
    public async Task Reload_TakesABridgeAway_TellsHowManyConnectionsGoOn(int connections, string told)
    {
        DaemonProcess daemon = await StartAsync(_kept, _other);
        var clients = new List<System.Net.Sockets.Socket>();
        for (int client = 0; client < connections; client++)
        {
            clients.Add(Own(await TestClient.TcpAsync(_second)));
            await clients[^1].EchoAsync(s_hello);
        }

        daemon.Rewrite(new DaemonConfig(_kept));
        await daemon.WaitAsync(() => daemon.Log.Any(line => line.EndsWith(told, StringComparison.Ordinal)), told, Soon);

        foreach (Socket client in clients)
            await client.EchoAsync(s_hello);
    }

    [Test]
    public async Task Reload_OfAWrongFile_IsRefusedWholeAndToldWithAllFaults()
    {
        DaemonProcess daemon = await StartAsync(_kept);
        Socket client = Own(await TestClient.TcpAsync(_first));
        await client.EchoAsync(s_hello);

        int told = daemon.Log.Count;
        await SaveAsync(daemon, "hangup", daemon.ToJson(new DaemonConfig(
            _kept with { Target = "example.com:80" }, _other, _other with { Name = "third", Listen = "nonsense" })));
        await daemon.WaitLogAsync("NsBridge:Bridges:0:Target", told);
        await daemon.WaitLogAsync("NsBridge:Bridges:2:Listen", told);

        Assert.That(HostSockets.IsListening(_second), Is.False, "nothing of a wrong file is taken");
        await client.EchoAsync(s_hello);
        await Own(await TestClient.TcpAsync(_first)).EchoAsync(s_hello);

        await SaveAsync(daemon, "hangup", "{ \"NsBridge\": ");
        await Own(await TestClient.TcpAsync(_first)).EchoAsync(s_hello);

        await SaveAsync(daemon, "hangup", daemon.ToJson(new DaemonConfig(_kept, _other)));
        await daemon.WaitListeningAsync(_other);
        await client.EchoAsync(s_hello);
        daemon.CheckNoStackTrace();
    }

    [Test]
    public async Task HangUp_AsSoonAsItListens_IsHeeded()
    {
        for (int i = 0; i < 10; i++)
        {
            await using DaemonProcess daemon = await DaemonProcess.StartAsync(new DaemonConfig(_kept));
            await daemon.SignalAsync("HUP");
            await daemon.WaitLogAsync("says what runs already");
        }
    }

    [Test]
    public async Task Reload_OfAFileThatIsGone_KeepsTheBridges()
    {
        DaemonProcess daemon = await StartAsync(_kept);
        string content = await File.ReadAllTextAsync(daemon.ConfigurationFile);

        File.Delete(daemon.ConfigurationFile);
        await daemon.SignalAsync("HUP");
        await Eventually.TrueAsync(
            () =>
                daemon.Log.Any(line => line.Contains(daemon.ConfigurationFile, StringComparison.Ordinal)), Soon,
                "the log says that the file is gone");
        await Own(await TestClient.TcpAsync(_first)).EchoAsync(s_hello);
        await File.WriteAllTextAsync(daemon.ConfigurationFile, content);
    }

    [Test]
    public async Task Reload_OfAChangedTarget_NewConnectionsGoThere()
    {
        DaemonProcess daemon = await StartAsync(_kept, _other);
        Socket untouched = Own(await TestClient.TcpAsync(_second));
        await untouched.EchoAsync(s_hello);
        TargetServer greeting = Target(_space, Serve.Greeting("new"));

        await SaveAsync(daemon, "hangup", daemon.ToJson(new DaemonConfig(_kept with { Target = greeting.EndPoint.ToString() }, _other)));
        await Eventually.TrueAsync(() => IsGreetedAsync(_first, "new"u8.ToArray()), Soon, "the new target is reached");

        await untouched.EchoAsync(s_hello);
    }

    [Test]
    public async Task Reload_OfAChangedListener_MovesIt()
    {
        DaemonProcess daemon = await StartAsync(_kept);

        await SaveAsync(daemon, "hangup", daemon.ToJson(new DaemonConfig(_kept with { Listen = _second.ToString() })));
        await daemon.WaitListeningAsync(_second);
        await daemon.WaitNotListeningAsync(_first);

        await Own(await TestClient.TcpAsync(_second)).EchoAsync(s_hello);
    }

    [Test]
    public async Task Reload_OfAnotherRuntimeDirectory_MovesNothingAndSaysSo()
    {
        const string waits = "from the next start on only: RuntimeDirectory";
        DaemonProcess daemon = await StartAsync(_kept);
        Socket client = Own(await TestClient.UnixAsync(daemon.SocketPath("kept")));
        string before = daemon.ToJson(new DaemonConfig(_kept));
        using var other = new ScratchDirectory();

        await SaveAsync(daemon, "hangup", (new DaemonConfig(_kept, _other) with { RuntimeDirectory = other["run"] }).ToJson());
        await daemon.WaitListeningAsync(_other);
        await daemon.WaitLogAsync(waits);
        Assert.That(File.Exists(daemon.SocketPath("other")), Is.True, "a new bridge's socket is where the others are");
        Assert.That(Directory.Exists(other["run"]), Is.False);
        await client.EchoAsync(s_hello);

        int told = daemon.Log.Count;
        await SaveAsync(daemon, "hangup", before);
        await daemon.WaitLogAsync("Reloaded", told);
        Assert.That(daemon.Log.Skip(told), Has.None.Contains(waits), "it is what runs");
        await client.EchoAsync(s_hello);
    }

    [Test]
    public async Task Reload_OfALogLevel_TakesItOver()
    {
        DaemonProcess daemon = await StartAsync(_kept);
        string plain = daemon.ToJson(new DaemonConfig(_kept));
        await Own(await TestClient.TcpAsync(_first)).EchoAsync(s_hello);

        await SaveAsync(daemon, "hangup",
            $"{plain[..plain.LastIndexOf('}')]}, \"Logging\": {{ \"LogLevel\": {{ \"Default\": \"Debug\" }} }} }}");
        await daemon.WaitLogAsync("Reloaded");
        using (Socket client = await TestClient.TcpAsync(_first))
            await client.EchoAsync(s_hello);
        await daemon.WaitLogAsync("debug ");

        await SaveAsync(daemon, "hangup", plain);
        await daemon.WaitAsync(() => daemon.Log.Count(line => line.Contains("Reloaded", StringComparison.Ordinal)) == 2,
            "it is taken back");
        int told = daemon.Log.Count;
        using (Socket client = await TestClient.TcpAsync(_first))
            await client.EchoAsync(s_hello);
        await daemon.SignalAsync("HUP");
        await daemon.WaitLogAsync("says what runs already", told);
        Assert.That(daemon.Log.Skip(told), Has.None.StartsWith("debug "));
    }

    [Test]
    public async Task Reload_OfLimitsAndAccess_KeepsTheBridgesConnections()
    {
        DaemonProcess daemon = await StartAsync(_kept);
        Socket client = Own(await TestClient.TcpAsync(_first));
        await client.EchoAsync(s_hello);

        await SaveAsync(daemon, "hangup", daemon.ToJson(new DaemonConfig(_kept with { MaxConnections = 1 })));
        await Eventually.TrueAsync(async () => !await EchoesAsync(_first), Soon, "the limit holds");
        await client.EchoAsync(s_hello);

        await SaveAsync(daemon, "hangup", daemon.ToJson(new DaemonConfig(_kept with { AllowFrom = ["127.0.0.9"] })));
        await Eventually.TrueAsync(() => EchoesAsync(_first, IPAddress.Parse("127.0.0.9")), Soon, "the list admits");
        Assert.That(await EchoesAsync(_first), Is.False);
        await client.EchoAsync(s_hello);
    }

    [Test]
    public async Task Reload_TwoHundredTimesUnderLoad_LosesNoByteAndLeaksNothing()
    {
        const int clients = 50;
        const int reloads = 200;
        DaemonProcess daemon = await StartAsync(_kept);
        using var over = new CancellationTokenSource();
        int echoed = 0;
        var load = Enumerable.Range(0, clients).Select(number => Task.Run(async () =>
        {
            using Socket client = await TestClient.TcpAsync(_first);
            for (long position = number * 1000L; !over.IsCancellationRequested; position += 777)
            {
                await client.EchoAsync(Pattern.Take(777, position));
                Interlocked.Increment(ref echoed);
            }
        })).ToList();

        for (int reload = 0; reload < reloads; reload++)
        {
            bool grown = reload % 2 == 0;
            // The kept bridge changes too, by something that its connections need not notice.
            BridgeEntry kept = _kept with { MaxConnections = 1000 + reload };
            daemon.Rewrite(grown ? new DaemonConfig(kept, _other) : new DaemonConfig(kept));
            await daemon.SignalAsync("HUP");
            if (grown)
                await daemon.WaitListeningAsync(_other);
            else
                await daemon.WaitNotListeningAsync(_second);
            Assert.That(load.Any(client => client.IsCompleted), Is.False, () =>
                $"a client ended at reload {reload}: {load.Find(client => client.IsCompleted)?.Exception}");
        }
        await over.CancelAsync();
        await Task.WhenAll(load);

        TestContext.Out.WriteLine($"{echoed} echoes over {reloads} reloads");
        Assert.That(echoed, Is.GreaterThan(clients));
    }

    private static async Task SaveAsync(DaemonProcess daemon, string how, string content)
    {
        string file = daemon.ConfigurationFile;
        switch (how)
        {
            case "hangup":
                await File.WriteAllTextAsync(file, content);
                await daemon.SignalAsync("HUP");
                break;
            case "in place":
                await File.WriteAllTextAsync(file, content);
                break;
            case "in two writes":
                await using (var stream = new StreamWriter(file))
                {
                    await stream.WriteAsync(content.AsMemory(0, content.Length / 2));
                    await stream.FlushAsync();
                    await Task.Delay(300); // A slow editor: the half of the file must not be taken.
                    await stream.WriteAsync(content.AsMemory(content.Length / 2));
                }
                break;
            case "replace":
                await File.WriteAllTextAsync($"{file}.new", content);
                File.Move($"{file}.new", file, overwrite: true);
                break;
            case "rename away":
                File.Move(file, $"{file}~", overwrite: true);
                await File.WriteAllTextAsync(file, content);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(how), how, "no such way");
        }
    }

    private static async Task<bool> IsGreetedAsync(IPEndPoint at, byte[] greeting)
    {
        using Socket client = await TestClient.TcpAsync(at);
        await client.SendAllAsync(new byte[greeting.Length]);
        return (await client.ReceiveExactlyAsync(greeting.Length)).AsSpan().SequenceEqual(greeting);
    }
}
