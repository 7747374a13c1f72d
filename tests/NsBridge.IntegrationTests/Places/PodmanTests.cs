using System.Net;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Places;

/// <summary>Containers of a real Podman: served, followed over restarts, refused where they have no network of their own.</summary>
internal sealed class PodmanTests : BridgeFixture
{
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(2);
    private readonly IPEndPoint _listen = FreeEndPoint();

    [TestCase(true)]
    [TestCase(false)]
    public async Task Container_OfRootsPodman_IsServedAndFollowed(bool api)
    {
        var podman = Own(await PodmanHost.StartAsync(rootless: false));
        if (api)
            await podman.ServeApiAsync();
        var daemon = await StartAsync(new DaemonSettings(Web()), new DaemonLaunch { Environment = podman.Environment });
        await IsAsync(daemon, "is waiting", "there is no container web");

        await podman.RunEchoAsync("web");
        await FollowsAsync(podman, daemon);
    }

    [Test]
    public async Task Container_OfAUsersPodman_IsServedFromInsideHisUserNamespace()
    {
        var podman = Own(await PodmanHost.StartAsync(rootless: true));
        // Any container of his leads to the user namespace that all of them share.
        await podman.RunEchoAsync("other");
        var daemon = await StartAsync(
            new DaemonSettings(Web()),
            new DaemonLaunch { User = "nobody", Within = await podman.EnterUserAsync("other"), Environment = podman.Environment });
        await IsAsync(daemon, "is waiting", "there is no container web");

        await podman.RunEchoAsync("web");
        await FollowsAsync(podman, daemon);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Container_WithTheHostsNetwork_IsRefused(bool api)
    {
        var podman = Own(await PodmanHost.StartAsync(rootless: false));
        if (api)
            await podman.ServeApiAsync();
        await podman.CheckAsync(
            "run", "--detach", "--name", "web", "--network", "host", "--cgroups", "disabled", "--ulimit", "nofile=1000:1000", "--ulimit", "nproc=1000:1000",
            PodmanHost.Image, "/bin/busybox", "sleep", "600");
        var daemon = await StartAsync(new DaemonSettings(Web()), new DaemonLaunch { Environment = podman.Environment });

        await IsAsync(daemon, "has failed", "write \"host\" if that is meant");
        Assert.That(await EchoesAsync(_listen), Is.False);
    }

    private async Task FollowsAsync(PodmanHost podman, DaemonProcess daemon)
    {
        await Eventually.TrueAsync(() => EchoesAsync(_listen), Promised, $"the container is served\n{daemon.LogText()}");
        for (var round = 0; round < 2; round++)
        {
            await podman.CheckAsync("stop", "--time", "0", "web");
            Assert.That(await EchoesAsync(_listen), Is.False);
            await IsAsync(daemon, "is waiting", "is not running");
            await podman.CheckAsync("start", "web");
            var took = await Eventually.TrueAsync(() => EchoesAsync(_listen), Promised, $"round {round} is served\n{daemon.LogText()}");
            TestContext.Out.WriteLine($"served {took.TotalSeconds:0.00} s after podman start");
        }
        await podman.CheckAsync("restart", "--time", "0", "web");
        await Eventually.TrueAsync(() => EchoesAsync(_listen), Promised, $"it is served after a restart\n{daemon.LogText()}");
    }

    private BridgeEntry Web() => new("web") { Listen = _listen.ToString(), Namespace = "container:web", Target = "127.0.0.1:3000" };

    /// <summary>Waits until the last that the daemon told of the bridge's state is this. Its log, because a user's daemon answers nobody else's questions.</summary>
    private static Task IsAsync(DaemonProcess daemon, string state, string reason) => daemon.WaitAsync(
        () => daemon.Log.LastOrDefault(line => line.StartsWith("info Bridge web ", StringComparison.Ordinal) || line.StartsWith("error Bridge web ", StringComparison.Ordinal)) is { } last
            && last.Contains($" {state}: ", StringComparison.Ordinal) && last.Contains(reason, StringComparison.Ordinal),
        $"the bridge is {state} because: {reason}",
        Soon);
}
