using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.References;

/// <summary>Containers of a real Docker: served, followed over restarts under load, refused if they have no network of their own.</summary>
internal sealed class DockerTests : BridgeFixture
{
    private const int Clients = 4;
    private static readonly TimeSpan s_promised = TimeSpan.FromSeconds(2);

    private readonly IPEndPoint _listen = FreeEndPoint();
    private readonly IPEndPoint _target = FreeEndPoint();
    private DockerHost _docker = null!;
    private int _served;

    [SetUp]
    public async Task StartDockerAsync() => _docker = Own(await DockerHost.StartAsync());

    [Test]
    public async Task Container_RestartedUnderLoad_IsFollowedAndNothingElseIsReached()
    {
        // What answers at the same address on the host must never be reached.
        TargetServer decoy = Own(TargetServer.StartOnHost(_target, Serve.Echo));
        DaemonProcess daemon = await DaemonAsync();
        await IsAsync(daemon, "waiting", "there is no container web");
        await _docker.RunEchoAsync("web", _target.Port);
        await ServedAsync(daemon, "it is served");
        using var stop = new CancellationTokenSource();
        Task[] load = [.. Enumerable.Range(0, Clients).Select(_ => LoadAsync(stop.Token))];

        for (int round = 0; round < 3; round++)
        {
            Socket held = Own(await TestClient.TcpAsync(_listen));
            await held.EchoAsync(Pattern.Take(100));
            await _docker.RestartAsync("web");
            await TestContext.Out.WriteLineAsync(
                $"served {await ServedAsync(daemon, $"round {round} is served"):0.00} s after the restart");
            // Whichever way: what was connected to the container that has gone does not hang.
            await held.EndingAsync(Soon);
            int before = Volatile.Read(ref _served);
            await Eventually.TrueAsync(() => Volatile.Read(ref _served) > before + (10 * Clients), Soon, "the load goes on");
        }
        await stop.CancelAsync();
        await Task.WhenAll(load);

        await TestContext.Out.WriteLineAsync($"{_served} connections were served meanwhile");
        Assert.That(decoy.Accepted, Is.Zero);
    }

    [Test]
    public async Task Container_StoppedAndStarted_IsFollowed()
    {
        TargetServer decoy = Own(TargetServer.StartOnHost(_target, Serve.Echo));
        await _docker.RunEchoAsync("web", _target.Port);
        DaemonProcess daemon = await DaemonAsync();
        await ServedAsync(daemon, "it is served");

        await _docker.StopAsync("web");
        Assert.That(await EchoesAsync(_listen), Is.False);
        await IsAsync(daemon, "waiting", "container web is not running (exited)");
        await _docker.StartAsync("web");

        await ServedAsync(daemon, "it is served again");
        Assert.That(decoy.Accepted, Is.Zero);
    }

    [Test]
    public async Task Container_WithTheHostsNetwork_IsRefused()
    {
        await _docker.RunEchoAsync("web", _target.Port, network: "host");
        DaemonProcess daemon = await DaemonAsync();

        await IsAsync(daemon, "failed", "write \"host\" if that is meant");
        Assert.That(await EchoesAsync(_listen), Is.False);
    }

    private Task<DaemonProcess> DaemonAsync() => StartAsync(
        new DaemonConfig(new BridgeEntry("web") { Listen = _listen.ToString(), Namespace = "container:web", Target = _target.ToString() }),
        new DaemonLaunch { Environment = _docker.Environment });

    /// <summary>Connects again and again; while the container is not there it fails, as it should.</summary>
    private async Task LoadAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (await EchoesAsync(_listen))
                Interlocked.Increment(ref _served);
        }
    }

    private async Task<double> ServedAsync(DaemonProcess daemon, string what) =>
        (await Eventually.TrueAsync(() => EchoesAsync(_listen), s_promised, $"{what}\n{daemon.LogText()}")).TotalSeconds;

    private static Task IsAsync(DaemonProcess daemon, string state, string reason) => daemon.WaitStatusAsync(
        bridge =>
            bridge.GetProperty("state").GetString() == state && bridge.GetProperty("reason")
            .GetString()!.Contains(reason, StringComparison.Ordinal),
        $"the bridge is {state} because: {reason}");
}
