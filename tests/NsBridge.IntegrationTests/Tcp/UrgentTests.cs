using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Tcp;

[Promise("tcp.urgent")]
internal sealed class UrgentTests : BridgeFixture
{
    [TestCase("handoff", true)]
    [TestCase("handoff", false)]
    [TestCase("relay", true)]
    [TestCase("relay", false)]
    public async Task UrgentByte_BetweenOthers_ArrivesInItsPlaceBothWays(string join, bool ring)
    {
        const int rounds = 100;
        Scene scene = await SceneAsync(
            async (connection, cancel) =>
            {
                for (int round = 0; round < rounds; round++)
                {
                    byte[] received = await connection.ReceiveExactlyAsync(5, cancel);
                    await SendWithUrgentAsync(connection, received);
                }
            },
            entry => entry with { Join = join },
            new DaemonLaunch { Environment = new Dictionary<string, string?> { ["NsBridge__IoUring"] = ring ? "true" : "false" } });

        Socket client = await ConnectAsync(scene);
        for (int round = 0; round < rounds; round++)
        {
            await SendWithUrgentAsync(client, "ABCDE"u8.ToArray());
            Assert.That(await client.ReceiveExactlyAsync(5), Is.EqualTo("ABCDE"u8.ToArray()), $"round {round}");
        }
    }

    /// <summary>Sends five bytes, the third of them as urgent.</summary>
    private static async Task SendWithUrgentAsync(Socket socket, byte[] bytes)
    {
        await socket.SendAllAsync(bytes.AsMemory(0, 2));
        await socket.SendAsync(bytes.AsMemory(2, 1), SocketFlags.OutOfBand);
        await socket.SendAllAsync(bytes.AsMemory(3));
    }
}
