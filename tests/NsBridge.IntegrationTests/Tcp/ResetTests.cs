using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Tcp;

[Promise("tcp.reset")]
internal sealed class ResetTests : BridgeFixture
{
    private static readonly byte[] s_hello = Pattern.Take(1000);

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Reset_ByTheTarget_ReachesTheClientAsReset(string join)
    {
        Scene scene = await SceneAsync(Serve.ResetAfter(s_hello.Length), entry => entry with { Join = join });

        Socket client = await ConnectAsync(scene);
        await client.SendAllAsync(s_hello);

        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Reset));
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Reset_ByTheTargetRightAfterItsAnswer_ReachesEveryClient(string join)
    {
        const int clients = 64;
        Scene scene = await SceneAsync(
            async (connection, cancel) =>
            {
                await connection.SendAllAsync(s_hello.AsMemory(0, 8), cancel);
                connection.Reset();
            },
            entry => entry with { Join = join });

        for (int round = 0; round < 5; round++)
        {
            Ending[] endings = await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => TestClient.EndingAsync(scene.Listen)));
            Assert.That(endings, Is.All.EqualTo(Ending.Reset), $"round {round}");
        }
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Reset_ByTheClient_ReachesTheTargetAsReset(string join)
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Join = join });

        Socket client = await ConnectAsync(scene);
        await client.EchoAsync(s_hello);
        client.Reset();

        await Eventually.TrueAsync(() => scene.Server.Resets == 1, Soon, "the target sees the reset");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Reset_ByTheClientAfterItsHalfClose_ReachesTheTargetAsReset(string join)
    {
        Scene scene = await SceneAsync(Serve.Source(long.MaxValue), entry => entry with { Join = join });

        Socket client = await ConnectAsync(scene);
        client.Shutdown(SocketShutdown.Send);
        await client.ReceiveExactlyAsync(s_hello.Length);
        client.Reset();

        await Eventually.TrueAsync(() => scene.Server.Resets == 1, Soon, "the target sees the reset");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Reset_ByTheClientBeforeTheTargetIsReached_IsNeverAnEndInGoodOrder(string join)
    {
        const int clients = 400;
        int ends = 0;
        Scene scene = await SceneAsync(
            async (connection, cancel) =>
            {
                await Serve.Echo(connection, cancel);
                Interlocked.Increment(ref ends);
            },
            entry => entry with { Join = join });

        await SpeakAndResetAsync(scene.Listen, clients, s_hello.AsMemory(0, 8));
        await scene.Daemon.WaitStatusAsync(
            bridge => bridge.GetProperty("connections").GetProperty("active").GetInt64() == 0, "all are over");
        await Eventually.SteadyAsync(() => scene.Server.Resets, TimeSpan.FromMilliseconds(200), Soon, "the target has heard all");

        Assert.That(ends, Is.Zero);
    }

    [TestCase("handoff", true)]
    [TestCase("handoff", false)]
    [TestCase("relay", false)]
    public async Task Reset_ByTheClientRightAfterItsBytes_TheTargetGetsThem(string join, bool ring)
    {
        const int clients = 200;
        long heard = 0;
        Scene scene = await SceneAsync(
            async (connection, cancel) =>
            {
                byte[] first = await connection.ReceiveExactlyAsync(s_hello.Length, cancel);
                Interlocked.Add(ref heard, first.Length);
            },
            entry => entry with { Join = join },
            new DaemonLaunch { Environment = new Dictionary<string, string?> { ["NsBridge__IoUring"] = ring ? "true" : "false" } });

        await SpeakAndResetAsync(scene.Listen, clients, s_hello);

        await Eventually.TrueAsync(() => Interlocked.Read(ref heard) == clients * s_hello.Length, Soon, "all of it arrives");
    }

    [Test]
    public async Task End_ByALocalClientRightAfterItsBytes_TheTargetGetsThem()
    {
        const int clients = 20;
        long heard = 0;
        Scene scene = await SceneAsync(
            async (connection, cancel) => Interlocked.Add(ref heard, await connection.ReceivePatternAsync(cancel)));

        for (int i = 0; i < clients; i++)
        {
            using Socket client = await ConnectAsync(scene, Door.Unix);
            await client.SendAllAsync(s_hello);
        }

        await Eventually.TrueAsync(() => Interlocked.Read(ref heard) == clients * s_hello.Length, Soon, "all of it arrives");
    }

    [Test]
    public async Task Reset_ByTheTarget_EndsAClientOfTheUnixSocket()
    {
        Scene scene = await SceneAsync(Serve.ResetAfter(s_hello.Length));

        Socket client = await ConnectAsync(scene, Door.Unix);
        await client.SendAllAsync(s_hello);

        // UNIX sockets know no reset of their own: the end itself is what counts.
        await client.EndingAsync(Soon);
    }

    [Test]
    public async Task End_ByALocalClientWithBytesUnread_ReachesTheTarget()
    {
        Scene scene = await SceneAsync(Serve.Source(long.MaxValue));

        Socket client = await ConnectAsync(scene, Door.Unix);
        await client.ReceiveExactlyAsync(s_hello.Length);
        client.Dispose();

        await Eventually.TrueAsync(() => scene.Server.Resets == 1, Soon, "the target's writes fail");
    }
}
