using System.Collections.Concurrent;
using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Tcp;

[Promise("tcp.half-close")]
[Parallelizable(ParallelScope.All)]
internal sealed class HalfCloseTests : BridgeFixture
{
    private const int Length = 1 << 20;
    // Far beyond any linger or idle default that a relay might have by mistake.
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(3);
    private readonly ConcurrentBag<long> _heard = [];

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task HalfClose_ReplyThreeSecondsLater_ArrivesWholeBothWaysThroughBothDoors(string join)
    {
        Scene answering = await SceneAsync(ReplyAfterEndAsync, entry => entry with { Join = join });
        Scene asking = await SceneAsync(EndFirstAsync, entry => entry with { Join = join });

        await Task.WhenAll(
            ClientEndsFirstAsync(await ConnectAsync(answering, Door.Tcp)),
            ClientEndsFirstAsync(await ConnectAsync(answering, Door.Unix)),
            ServerEndsFirstAsync(await ConnectAsync(asking, Door.Tcp)),
            ServerEndsFirstAsync(await ConnectAsync(asking, Door.Unix)));
        await Eventually.TrueAsync(() => _heard.Count == 2, Soon, "both replies heard to their end by the server");

        Assert.That(_heard, Is.All.EqualTo(Length));
    }

    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task HalfClose_WithoutAnyByte_PassesOn(string join)
    {
        Scene scene = await SceneAsync(ReplyAfterEndAsync, entry => entry with { Join = join });

        Socket client = await ConnectAsync(scene);
        client.Shutdown(SocketShutdown.Send);

        Assert.That(await client.ReceivePatternAsync(), Is.EqualTo(Length));
    }

    /// <summary>Hears the client to its end, pauses, then replies.</summary>
    private static async Task ReplyAfterEndAsync(Socket connection, CancellationToken cancel)
    {
        await connection.ReceivePatternAsync(cancel);
        await Task.Delay(s_pause, cancel);
        await connection.SendPatternAsync(Length, cancel);
    }

    /// <summary>Speaks, ends its own half, and notes how much it hears after that.</summary>
    private async Task EndFirstAsync(Socket connection, CancellationToken cancel)
    {
        await connection.SendPatternAsync(Length, cancel);
        connection.Shutdown(SocketShutdown.Send);
        _heard.Add(await connection.ReceivePatternAsync(cancel));
    }

    private static async Task ClientEndsFirstAsync(Socket client)
    {
        await client.SendPatternAsync(Length);
        client.Shutdown(SocketShutdown.Send);
        Assert.That(await client.ReceivePatternAsync(), Is.EqualTo(Length));
    }

    private static async Task ServerEndsFirstAsync(Socket client)
    {
        Assert.That(await client.ReceivePatternAsync(), Is.EqualTo(Length));
        await Task.Delay(s_pause);
        await client.SendPatternAsync(Length);
        client.Shutdown(SocketShutdown.Send);
    }
}
