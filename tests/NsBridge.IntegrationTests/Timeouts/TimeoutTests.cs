using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Timeouts;

[Parallelizable(ParallelScope.All)]
internal sealed class TimeoutTests : BridgeFixture
{
    private static readonly byte[] s_hello = Pattern.Take(100);
    private static readonly byte[] s_one = [1];

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task IdleTimeout_NoByteEitherWay_EndsThatConnectionAlone(string join)
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { IdleTimeout = TimeSpan.FromSeconds(2), Join = join });
        Socket idle = await ConnectAsync(scene);
        Socket local = await ConnectAsync(scene, Door.Unix);
        Socket busy = await ConnectAsync(scene);
        await Task.WhenAll(idle.EchoAsync(s_hello), local.EchoAsync(s_hello), busy.EchoAsync(s_hello));

        var clock = Stopwatch.StartNew();
        Task<Ending[]> endings = Task.WhenAll(idle.EndingAsync(Soon), local.EndingAsync(Soon));
        while (!endings.IsCompleted)
        {
            await busy.EchoAsync(s_one);
            await Task.WhenAny(endings, Task.Delay(200));
        }
        await endings;

        Assert.That(clock.Elapsed, Is.InRange(TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(5)));
        await busy.EchoAsync(s_hello);
    }

    [Test]
    public async Task IdleTimeout_ATransferInOneDirection_IsNotIdle()
    {
        // s_one byte every now and then for longer than the timeout, and never one from the client.
        Scene scene = await SceneAsync(TrickleAsync, entry => entry with { IdleTimeout = TimeSpan.FromSeconds(1) });
        Socket client = await ConnectAsync(scene);

        Assert.That(await client.ReceiveExactlyAsync(10), Has.Length.EqualTo(10));
    }

    // The time until the next probe, from ss.
    [TestCase("00:00:30", @"timer:\(keepalive,(2[0-9]|30)(\.[0-9]+)?sec,")]
    [TestCase("00:00:00", @"^(?!.*timer:\(keepalive)")]
    [TestCase(null, @"timer:\(keepalive,(1min|(4|5)[0-9](\.[0-9]+)?sec),")]
    public async Task KeepAlive_OnBothLegs_IsAsConfigured(string? configured, string timer)
    {
        await DebianPackages.RequireAsync("iproute2");
        TimeSpan? keepAlive = configured is null ? (TimeSpan?)null : TimeSpan.Parse(configured, CultureInfo.InvariantCulture);
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { KeepAlive = keepAlive });
        Socket client = await ConnectAsync(scene);
        await client.EchoAsync(s_hello);

        string listener = await Command.CheckAsync("ss", "-Htnoe", "state", "established", "sport", "=", $":{scene.Listen.Port}");
        int port = ((IPEndPoint)scene.Server.EndPoint).Port;
        string target = "";
        await Eventually.TrueAsync(
            async () =>
                Regex.IsMatch(target = await scene.Namespace.RunAsync("ss", "-Htnoe", "state", "established", "dport", "=", $":{port}"),
                timer),
            TimeSpan.FromSeconds(5),
            $"the target's leg has its timer, {timer}");

        Assert.Multiple(() =>
        {
            Assert.That(listener, Is.Not.Empty.And.Match(timer));
            Assert.That(target, Is.Not.Empty.And.Match(timer));
        });
    }

    private static async Task TrickleAsync(Socket connection, CancellationToken cancel)
    {
        for (int sent = 0; sent < 10; sent++)
        {
            await connection.SendAllAsync(s_one, cancel);
            await Task.Delay(300, cancel);
        }
    }
}
