using System.Net;
using System.Net.Sockets;
using NsBridge.Testing;
using NUnit.Framework.Interfaces;

namespace NsBridge.IntegrationTests;

/// <summary>
/// Base of the tests on the published daemon. It owns what a test creates and removes it in the right order, and every daemon then proves
/// that it kept no descriptor and no thread, ends with exit code 0 and leaves no file.
/// </summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal abstract class BridgeFixture
{
    /// <summary>For events that follow at once, long enough for a slow and busy machine.</summary>
    protected static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private readonly List<object> _peers = [];
    private readonly List<DaemonProcess> _daemons = [];
    private readonly List<TestNamespace> _namespaces = [];
    private readonly List<ScratchDirectory> _scratch = [];

    [TearDown]
    public async Task TakeDownAsync()
    {
        bool failed = TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Failed;
        try
        {
            foreach (object? peer in Enumerable.Reverse(_peers))
                await DisposeAsync(peer);
            foreach (DaemonProcess daemon in _daemons)
            {
                if (failed)
                    await TestContext.Out.WriteLineAsync(daemon.LogText());
                else
                    await CheckAsync(daemon);
            }
        }
        finally
        {
            foreach (DaemonProcess daemon in _daemons)
                await daemon.DisposeAsync();
            foreach (TestNamespace space in _namespaces)
                await space.DisposeAsync();
            _scratch.ForEach(folder => folder.Dispose());
        }
    }

    /// <summary>Disposes <paramref name="peer"/> at the end of the test, before the daemon is looked at.</summary>
    protected T Own<T>(T peer)
        where T : notnull
    {
        _peers.Add(peer);
        return peer;
    }

    protected ScratchDirectory Scratch()
    {
        var folder = new ScratchDirectory();
        _scratch.Add(folder);
        return folder;
    }

    /// <summary>A new namespace, removed at the end of the test.</summary>
    protected async Task<TestNamespace> NamespaceAsync()
    {
        TestNamespace space = await ReserveNamespaceAsync();
        await space.AddAsync();
        return space;
    }

    /// <summary>A name without a namespace yet.</summary>
    protected async Task<TestNamespace> ReserveNamespaceAsync()
    {
        TestNamespace space = await TestNamespace.ReserveAsync();
        _namespaces.Add(space);
        return space;
    }

    /// <summary>A server inside a namespace on 127.0.0.1.</summary>
    protected TargetServer Target(TestNamespace space, Func<Socket, CancellationToken, Task> serve, int port = 0) =>
        Own(TargetServer.Start(space.Listen(new IPEndPoint(IPAddress.Loopback, port)), serve));

    protected Task<DaemonProcess> StartAsync(params IReadOnlyList<BridgeEntry> bridges) => StartAsync(new DaemonConfig(bridges));

    protected async Task<DaemonProcess> StartAsync(DaemonConfig settings, DaemonLaunch? launch = null)
    {
        DaemonProcess daemon = await DaemonProcess.StartAsync(settings, launch);
        _daemons.Add(daemon);
        return daemon;
    }

    /// <summary>Starts a daemon that may not get as far as listening.</summary>
    protected async Task<DaemonProcess> LaunchAsync(DaemonConfig settings, DaemonLaunch? launch = null)
    {
        DaemonProcess daemon = await DaemonProcess.LaunchAsync(settings, launch);
        _daemons.Add(daemon);
        return daemon;
    }

    /// <summary>A free loopback endpoint on the host.</summary>
    protected static IPEndPoint FreeEndPoint() => new(IPAddress.Loopback, HostSockets.FreePort());

    /// <summary>The usual scene: a namespace, a server in it, a daemon with one bridge to it.</summary>
    /// <param name="serve">What the server does.</param>
    /// <param name="with">Changes the bridge's entry before the daemon starts.</param>
    /// <param name="launch">How the daemon is started.</param>
    protected async Task<Scene> SceneAsync(
        Func<Socket, CancellationToken, Task> serve, Func<BridgeEntry, BridgeEntry>? with = null, DaemonLaunch? launch = null)
    {
        TestNamespace space = await NamespaceAsync();
        TargetServer server = Target(space, serve);
        IPEndPoint listen = FreeEndPoint();
        var entry = new BridgeEntry("web") { Listen = listen.ToString(), Namespace = space.Name, Target = server.EndPoint.ToString() };
        entry = with?.Invoke(entry) ?? entry;
        return new Scene(space, server, await StartAsync(new DaemonConfig(entry), launch), listen, entry);
    }

    /// <summary>Connects through one of the scene's doors; the socket is closed at the end of the test at the latest.</summary>
    protected async Task<Socket> ConnectAsync(Scene scene, Door door = Door.Tcp) =>
        Own(door == Door.Tcp ? await TestClient.TcpAsync(scene.Listen) : await TestClient.UnixAsync(scene.SocketPath));

    /// <summary>Clients one after the other, each of which sends bytes and resets at once.</summary>
    protected async Task SpeakAndResetAsync(IPEndPoint at, int clients, ReadOnlyMemory<byte> words)
    {
        for (int i = 0; i < clients; i++)
        {
            Socket client = Own(await TestClient.TcpAsync(at));
            await client.SendAllAsync(words);
            client.Reset();
        }
    }

    /// <summary>Whether a new connection is served by an echo; false if it is refused, closed or silent.</summary>
    protected static async Task<bool> EchoesAsync(IPEndPoint at, IPAddress? from = null)
    {
        try
        {
            using Socket client = await TestClient.TcpAsync(at, from);
            byte[] bytes = Pattern.Take(100);
            await client.SendAllAsync(bytes);
            return (await client.ReceiveExactlyAsync(bytes.Length)).AsSpan().SequenceEqual(bytes);
        }
        catch (Exception error) when (error is SocketException or EndOfStreamException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Ends what would keep a daemon busy for a while after the test.</summary>
    protected virtual Task CalmAsync(DaemonProcess daemon) => Task.CompletedTask;

    private async Task CheckAsync(DaemonProcess daemon)
    {
        if (!daemon.HasExited)
        {
            await CalmAsync(daemon);
            await daemon.CheckQuietAsync();
        }
        await daemon.StopAsync();
        daemon.CheckNoStackTrace();
    }

    private static async Task DisposeAsync(object peer)
    {
        if (peer is IAsyncDisposable asynchronous)
            await asynchronous.DisposeAsync();
        else if (peer is IDisposable disposable)
            disposable.Dispose();
    }
}
