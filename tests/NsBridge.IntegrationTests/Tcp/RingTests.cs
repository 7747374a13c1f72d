using System.Net.Sockets;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Tcp;

/// <summary>Small messages use the loop's io_uring if it is allowed, and epoll otherwise.</summary>
internal sealed class RingTests : BridgeFixture
{
    [Test]
    public async Task Ring_FromTheFirstConnectionOn_IsThereOnce()
    {
        Scene scene = await SceneAsync(Serve.Echo);
        Assert.That(Rings(scene.Daemon), Is.Zero, "before the first connection");
        for (int client = 0; client < 3; client++)
            await ConverseAsync(scene);
        Assert.That(Rings(scene.Daemon), Is.EqualTo(1));
    }

    [Test]
    public async Task Ring_SwitchedOff_IsNeverMade()
    {
        var launch = new DaemonLaunch { Environment = new Dictionary<string, string?> { ["NsBridge__IoUring"] = "false" } };
        Scene scene = await SceneAsync(Serve.Echo, launch: launch);
        for (int client = 0; client < 3; client++)
            await ConverseAsync(scene);
        Assert.That(Rings(scene.Daemon), Is.Zero);
    }

    private async Task ConverseAsync(Scene scene)
    {
        using Socket client = await ConnectAsync(scene);
        for (int round = 0; round < 100; round++)
            await client.EchoAsync(Pattern.Take(1 + round * 40));
    }

    private static int Rings(DaemonProcess daemon) =>
        ProcessFacts.Descriptors(daemon.Id).Count(target => target.Contains("io_uring", StringComparison.Ordinal));
}
