using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Tcp;

internal sealed class AccessLogTests : BridgeFixture
{
    [TestCase("handoff")]
    [TestCase("relay")]
    public async Task AccessLog_OfAConnection_HasItsBytesItsTimeAndItsOutcome(string join)
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Join = join, AccessLog = true });
        Socket client = await ConnectAsync(scene);
        string address = client.LocalEndPoint!.ToString()!;
        await client.SendAsync(new byte[1000]);
        byte[] answer = new byte[1000];
        for (int read = 0, got; read < answer.Length; read += got)
            got = await client.ReceiveAsync(answer.AsMemory(read));
        await Task.Delay(TimeSpan.FromMilliseconds(300));
        client.Close();

        await scene.Daemon.WaitLogAsync($"client {address} ended (closed) after 0.");
        string line = scene.Daemon.Log.Single(line => line.Contains(address, StringComparison.Ordinal));
        Assert.That(line, Does.Match(@"after 0\.[3-9]\d* s: 1000 bytes to the target, 1000 to the client$"));
    }

    [Test]
    public async Task AccessLog_OfAThousandConnectionsAtOnce_HasEach()
    {
        const int clients = 1000;
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { AccessLog = true });

        await SpeakAndResetAsync(scene.Listen, clients, new byte[] { 1 });

        await scene.Daemon.WaitAsync(
            () => scene.Daemon.Log.Count(line => line.Contains(" ended (", StringComparison.Ordinal)) == clients, "a line for each");
    }

    [Test]
    public async Task AccessLog_WithoutTheKey_SaysNothing()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        using (Socket client = await ConnectAsync(scene))
            await client.SendAsync(new byte[1]);

        await scene.Daemon.WaitStatusAsync(
            bridge => bridge.GetProperty("connections") is var counts && counts.GetProperty("total").GetInt64() == 1
                && counts.GetProperty("active").GetInt64() == 0,
            "the client's end");
        Assert.That(scene.Daemon.Log, Has.None.Contains("ended ("));
    }
}
