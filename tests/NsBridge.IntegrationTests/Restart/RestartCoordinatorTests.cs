using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using NsBridge.IntegrationTests.Systemd;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Restart;

/// <summary>What becomes of live connections between two processes of the service.</summary>
[Promise("restart")]
[Parallelizable(ParallelScope.All)]
internal sealed class RestartCoordinatorTests : BridgeFixture
{
    private static readonly byte[] s_hello = Pattern.Take(1000);

    private TestNamespace _space = null!;
    private BridgeEntry _web = null!;
    private IPEndPoint _listen = null!;
    private string _obstacle = "";

    [SetUp]
    public async Task ServeAsync()
    {
        _space = await NamespaceAsync();
        _listen = FreeEndPoint();
        _obstacle = Scratch()["metrics.sock"];
        _web = new BridgeEntry("web")
        {
            Listen = _listen.ToString(),
            Namespace = _space.Name,
            Target = Target(_space, Serve.Echo).EndPoint
            .ToString()
        };
    }

    [Test]
    public async Task Start_FailsForAWhile_TheOneThatSucceedsGoesOnWithTheConnections()
    {
        using ManagedService service = await StartAsync(_web);
        using Socket client = await ClientAsync();
        await RestartInVainAsync(service, _web);
        await service.WaitAsync(() => service.Codes.Count(code => code == 1) > 1, "starts that fail");
        File.Delete(_obstacle);

        await client.EchoAsync(s_hello);
        Assert.That(await EchoesAsync(_listen), service.Text);
    }

    [Test]
    public async Task Start_NeedsThePortOfABridgeThatIsGone_HasIt()
    {
        IPEndPoint port = FreeEndPoint();
        using ManagedService service = await StartAsync(_web, _web with { Name = "gone", Listen = port.ToString() });
        using Socket client = await ClientAsync();
        // Halted, the daemon cannot take the file over before it ends.
        await service.SignalAsync("STOP");
        service.Write(new DaemonConfig(_web) { Metrics = Metrics(port.ToString()) });
        await service.SignalAsync("TERM");
        await service.SignalAsync("CONT");
        await service.WaitAsync(() => service.Starts == 2, "a restart");

        await client.EchoAsync(s_hello);
        await service.WaitAsync(() => service.Text.Contains("Metrics are served", StringComparison.Ordinal), "metrics");
        Assert.That(service.Text, Does.Not.Contain("cannot be served yet"));
    }

    [Test]
    public async Task Stop_AskedForDuringTheStart_TheNextOneGoesOnWithTheConnections()
    {
        // So many that the start takes a while.
        IEnumerable<BridgeEntry> others = Enumerable.Range(0, 300)
            .Select(i => new BridgeEntry($"b{i}") { Namespace = "host", Target = "127.0.0.1:9" });
        using ManagedService service = await StartAsync([.. others, _web]);
        using Socket client = await ClientAsync();
        for (int delay = 0; delay < 200; delay += 20)
        {
            int starts = service.Starts;
            await service.SignalAsync("TERM");
            await service.WaitAsync(() => service.Starts > starts, "another start");
            await Task.Delay(delay);
        }

        await client.EchoAsync(s_hello);
        Assert.That(await EchoesAsync(_listen), service.Text);
    }

    [Test]
    public async Task ListenNamespace_MadeAnewBetweenTwoProcesses_ItsClientsAreReset()
    {
        TargetServer server = Own(TargetServer.StartOnHost(FreeEndPoint(), Serve.Echo));
        BridgeEntry entry = _web with { ListenNamespace = _space.Name, Namespace = "host", Target = server.EndPoint.ToString() };
        using ManagedService service = await StartAsync(entry);
        using Socket client = await _space.DialAsync(_listen);
        await client.EchoAsync(s_hello);
        await RestartInVainAsync(service, entry);
        await _space.DeleteAsync();
        await _space.AddAsync();
        Assert.That(client.Poll(0, SelectMode.SelectRead), Is.False, "the connection waits");
        File.Delete(_obstacle);

        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Reset));
        await service.WaitAsync(() => service.Text.Contains("its namespace went away", StringComparison.Ordinal), "a line that says so");
    }

    [Test]
    public async Task Service_IsStoppedBetweenTwoProcesses_ConnectionsAreReset()
    {
        using ManagedService service = await StartAsync(_web);
        using Socket client = await ClientAsync();
        await RestartInVainAsync(service, _web);
        Assert.That(client.Poll(0, SelectMode.SelectRead), Is.False, "the connection waits");
        await service.StopAsync();

        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Reset));
    }

    /// <summary>
    /// Restarts the service with a metrics socket whose path is taken until that file is deleted; returns when a start has failed.
    /// </summary>
    private async Task RestartInVainAsync(ManagedService service, BridgeEntry entry)
    {
        await File.WriteAllTextAsync(_obstacle, "");
        service.Write(new DaemonConfig(entry) { Metrics = Metrics($"unix:{_obstacle}") });
        await service.SignalAsync("TERM");
        await service.WaitAsync(() => service.Codes.Contains(1), "a start that fails");
    }

    private static JsonObject Metrics(string at) => new() { ["Listen"] = at };

    private static async Task<ManagedService> StartAsync(params BridgeEntry[] bridges)
    {
        ManagedService service = await ManagedService.StartAsync(new DaemonConfig(bridges));
        await service.WaitAsync(() => service.Text.Contains("Bridge web is up", StringComparison.Ordinal), "a listener");
        return service;
    }

    private async Task<Socket> ClientAsync()
    {
        Socket client = await TestClient.TcpAsync(_listen);
        await client.EchoAsync(s_hello);
        return client;
    }
}
