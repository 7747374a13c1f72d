using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.References;

/// <summary>Containers of a real Podman: served, followed over restarts, refused if they have no network of their own.</summary>
internal sealed class PodmanTests : BridgeFixture
{
    private static readonly TimeSpan s_promised = TimeSpan.FromSeconds(2);
    private readonly IPEndPoint _listen = FreeEndPoint();

    [TestCase(true)]
    [TestCase(false)]
    public async Task Container_OfRootsPodman_IsServedAndFollowed(bool api)
    {
        PodmanHost podman = Own(await PodmanHost.StartAsync(rootless: false));
        if (api)
            await podman.ServeApiAsync();
        DaemonProcess daemon = await StartAsync(new DaemonConfig(Web()), new DaemonLaunch { Environment = podman.Environment });
        await IsAsync(daemon, "waiting", "there is no container web");

        await podman.RunEchoAsync("web");
        await FollowsAsync(podman, daemon);
    }

    [Test]
    public async Task Container_OfAUsersPodman_IsServedByHisInnerHalfInside()
    {
        PodmanHost podman = Own(await PodmanHost.StartAsync(rootless: true));
        await podman.RunEchoAsync("web");
        DaemonProcess inner = await LaunchAsync(
            new DaemonConfig(new BridgeEntry("inner") { Namespace = "host", Target = "127.0.0.1:3000" }),
            new DaemonLaunch { User = PodmanHost.Person, Within = await podman.EnterAsync("web", "--user", "--net") });
        await inner.WaitListeningAsync(inner.SocketPath("inner"));
        await StartAsync(
            new DaemonConfig(new BridgeEntry("outer")
            {
                Listen = _listen.ToString(),
                Socket = inner.SocketPath("inner"),
                Join = "handoff"
            }),
            new DaemonLaunch { User = PodmanHost.Person });

        await Eventually.TrueAsync(() => EchoesAsync(_listen), Soon, $"the container is served\n{inner.LogText()}");
    }

    [Test]
    public async Task Container_WhoseNetworkCouldNotBeLeftAgain_IsNotEntered()
    {
        // In the user namespace of the containers, but on the host's network, which belongs to another user namespace.
        PodmanHost podman = Own(await PodmanHost.StartAsync(rootless: true));
        await podman.RunEchoAsync("web");
        DaemonProcess daemon = await StartAsync(
            // With another one that works all the same: alone it would be no start.
            new DaemonConfig(Web(), new BridgeEntry("own") { Namespace = "host", Target = "127.0.0.1:3000" }),
            new DaemonLaunch
            {
                User = PodmanHost.Person,
                Within = await podman.EnterAsync("web", "--user"),
                Environment = podman.Environment
            });

        await daemon.WaitLogAsync("could not come back");
        Assert.That(await EchoesAsync(_listen), Is.False);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Container_WithTheHostsNetwork_IsRefused(bool api)
    {
        PodmanHost podman = Own(await PodmanHost.StartAsync(rootless: false));
        if (api)
            await podman.ServeApiAsync();
        await podman.CheckAsync(
            "run", "--detach", "--name", "web", "--network", "host", "--cgroups", "disabled", "--ulimit", "nofile=1000:1000", "--ulimit",
            "nproc=1000:1000",
            PodmanHost.Image, "/bin/busybox", "sleep", "600");
        DaemonProcess daemon = await StartAsync(new DaemonConfig(Web()), new DaemonLaunch { Environment = podman.Environment });

        await IsAsync(daemon, "failed", "write \"host\" if that is meant");
        Assert.That(await EchoesAsync(_listen), Is.False);
    }

    private async Task FollowsAsync(PodmanHost podman, DaemonProcess daemon)
    {
        await Eventually.TrueAsync(() => EchoesAsync(_listen), s_promised, $"the container is served\n{daemon.LogText()}");
        for (int round = 0; round < 2; round++)
        {
            await podman.CheckAsync("stop", "--time", "0", "web");
            Assert.That(await EchoesAsync(_listen), Is.False);
            await IsAsync(daemon, "waiting", "is not running");
            await podman.CheckAsync("start", "web");
            TimeSpan took = await Eventually.TrueAsync(
                () => EchoesAsync(_listen), s_promised, $"round {round} is served\n{daemon.LogText()}");
            TestContext.Out.WriteLine($"served {took.TotalSeconds:0.00} s after podman start");
        }
        await podman.CheckAsync("restart", "--time", "0", "web");
        await Eventually.TrueAsync(() => EchoesAsync(_listen), s_promised, $"it is served after a restart\n{daemon.LogText()}");
    }

    private BridgeEntry Web() => new("web") { Listen = _listen.ToString(), Namespace = "container:web", Target = "127.0.0.1:3000" };

    private static Task IsAsync(DaemonProcess daemon, string state, string reason) => daemon.WaitStatusAsync(
        bridge =>
            bridge.GetProperty("state").GetString() == state && bridge.GetProperty("reason")
            .GetString()!.Contains(reason, StringComparison.Ordinal),
        $"the bridge is {state} because: {reason}");
}
