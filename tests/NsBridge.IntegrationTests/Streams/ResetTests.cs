using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Streams;

internal sealed class ResetTests : BridgeFixture
{
    private static readonly byte[] Hello = Pattern.Take(1000);

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Reset_ByTheTarget_ReachesTheClientAsReset(string join)
    {
        var scene = await SceneAsync(Serve.ResetAfter(Hello.Length), entry => entry with { Join = join });

        var client = await ConnectAsync(scene);
        await client.SendAllAsync(Hello);

        Assert.That(await client.EndingAsync(Soon), Is.EqualTo(Ending.Reset));
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Reset_ByTheClient_ReachesTheTargetAsReset(string join)
    {
        var scene = await SceneAsync(Serve.Echo, entry => entry with { Join = join });

        var client = await ConnectAsync(scene);
        await client.EchoAsync(Hello);
        client.Reset();

        await Eventually.TrueAsync(() => scene.Server.Resets == 1, Soon, "the target sees the reset");
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task Reset_ByTheClientAfterItsHalfClose_ReachesTheTargetAsReset(string join)
    {
        var scene = await SceneAsync(Serve.Source(long.MaxValue), entry => entry with { Join = join });

        var client = await ConnectAsync(scene);
        client.Shutdown(SocketShutdown.Send);
        await client.ReceiveExactlyAsync(Hello.Length);
        client.Reset();

        await Eventually.TrueAsync(() => scene.Server.Resets == 1, Soon, "the target sees the reset");
    }

    [Test]
    public async Task Reset_ByTheTarget_EndsAClientOfTheUnixSocket()
    {
        var scene = await SceneAsync(Serve.ResetAfter(Hello.Length));

        var client = await ConnectAsync(scene, Door.Unix);
        await client.SendAllAsync(Hello);

        // UNIX sockets know no reset of their own: the end itself is what counts.
        await client.EndingAsync(Soon);
    }

    [Test]
    public async Task End_ByALocalClientWithBytesUnread_ReachesTheTarget()
    {
        var scene = await SceneAsync(Serve.Source(long.MaxValue));

        var client = await ConnectAsync(scene, Door.Unix);
        await client.ReceiveExactlyAsync(Hello.Length);
        client.Dispose();

        await Eventually.TrueAsync(() => scene.Server.Resets == 1, Soon, "the target's writes fail");
    }
}
