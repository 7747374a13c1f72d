using System.Diagnostics;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Resources;

internal sealed class DescriptorLimitTests : BridgeFixture
{
    private const int Limit = 256;
    private const int Clients = 1000;
    private static readonly byte[] Hello = Pattern.Take(100);

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Clients_MoreThanDescriptors_NeitherKillNorSpinItAndItRecovers(string join)
    {
        var space = await NamespaceAsync();
        var server = Target(space, Serve.Echo);
        var listen = FreeEndPoint();
        var daemon = await StartAsync(
            new DaemonSettings(new BridgeEntry("web")
            {
                Listen = listen.ToString(),
                Namespace = space.Name,
                Target = server.EndPoint.ToString(),
                Join = join,
            }),
            new DaemonLaunch { DescriptorLimit = Limit });
        var held = Own(await Dial.TcpAsync(listen));
        await held.EchoAsync(Hello);

        var clients = new List<Socket>();
        for (var client = 0; client < Clients; client++)
        {
            // The listener's queue may be full: a client then waits on the kernel, as it would in life.
            var socket = Own(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            clients.Add(socket);
            _ = socket.ConnectAsync(listen).ContinueWith(connecting => connecting.Exception, TaskScheduler.Default);
        }
        await daemon.WaitLogAsync("descriptor");
        var steady = await Eventually.SteadyAsync(() => server.Accepted, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), "it takes no more");
        var busy = await BusyAsync(daemon, TimeSpan.FromSeconds(3));

        TestContext.Out.WriteLine($"{steady} of {Clients} served at once, {busy:P0} of a core while exhausted");
        Assert.That(busy, Is.LessThan(0.3));
        await held.EchoAsync(Hello);
        var complaints = daemon.Log.Where(line => line.Contains("descriptor", StringComparison.OrdinalIgnoreCase)).ToList();
        Assert.That(complaints, Has.Count.LessThanOrEqualTo(2), () => $"it says so once\n{string.Join('\n', complaints)}");

        clients.ForEach(client => client.Dispose());
        await Eventually.TrueAsync(() => EchoesAsync(listen), TimeSpan.FromSeconds(20), "new clients are served again");
        await held.EchoAsync(Hello);
    }

    /// <summary>The part of one core that the daemon uses over a span of time.</summary>
    private static async Task<double> BusyAsync(DaemonProcess daemon, TimeSpan span)
    {
        var clock = Stopwatch.StartNew();
        var before = daemon.ProcessorTime;
        await Task.Delay(span);
        return (daemon.ProcessorTime - before) / clock.Elapsed;
    }
}
