using System.Net;
using System.Text.Json.Nodes;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Privileges;

internal sealed class PrivilegeTests : BridgeFixture
{
    private const int MissingPrivilege = 77;

    /// <summary>The first unprivileged port is the kernel's default 1024 there, whatever the machine's setting is.</summary>
    private static readonly DaemonLaunch s_nobodyInFreshNetwork =
        new() { User = "nobody", Behind = ["unshare", "--net", "sh", "-c", "ip link set lo up; exec \"$@\"", "sh"] };

    [Test]
    [Promise("cli.exit-codes")]
    public async Task Run_WithoutTheCapability_EndsWith77AndTellsTheCure()
    {
        TestNamespace space = await NamespaceAsync();
        await using DaemonProcess daemon = await DaemonProcess.LaunchAsync(
            new DaemonConfig(new BridgeEntry("web")
            {
                Listen = FreeEndPoint().ToString(),
                Namespace = space.Name,
                Target = "127.0.0.1:3000"
            }),
            new DaemonLaunch { User = "nobody" });

        int code = await daemon.ExitAsync(Soon);

        Assert.That(code, Is.EqualTo(MissingPrivilege), daemon.LogText());
        Assert.That(daemon.LogText(), Does.Contain("CAP_SYS_ADMIN").And.Contain("as root").And.Contain("Without root"));
        Assert.That(Directory.GetFileSystemEntries(daemon.RuntimeDirectory), Is.Empty);
        daemon.CheckNoStackTrace();
    }

    [Test]
    public async Task Run_WithTheCapabilityButNotOverItsOwnNetwork_EndsWith77AndTellsTheCure()
    {
        TestNamespace space = await NamespaceAsync();
        await using DaemonProcess daemon = await DaemonProcess.LaunchAsync(
            new DaemonConfig(new BridgeEntry("web")
            {
                Listen = FreeEndPoint().ToString(),
                Namespace = space.Name,
                Target = "127.0.0.1:3000"
            }),
            new DaemonLaunch { Within = ["unshare", "--user", "--map-root-user"] });

        int code = await daemon.ExitAsync(Soon);

        Assert.That(code, Is.EqualTo(MissingPrivilege), daemon.LogText());
        Assert.That(daemon.LogText(), Does.Contain("CAP_SYS_ADMIN in the user namespace that owns this process's network").And
            .Contain("as root").And.Contain("unshare -Urn"));
        daemon.CheckNoStackTrace();
    }

    [Test]
    public async Task Run_OuterHalfAlone_NeedsNoPrivilege()
    {
        Scene scene = await SceneAsync(Serve.Echo, entry => entry with { Listen = null, Socket = OpenSocketPath(), SocketMode = "0666" });
        IPEndPoint listen = FreeEndPoint();
        DaemonProcess daemon = await StartAsync(
            new DaemonConfig(new BridgeEntry("outer") { Listen = listen.ToString(), Socket = scene.SocketPath }),
            new DaemonLaunch { User = "nobody" });
        await daemon.WaitLogAsync("CAP_SYS_ADMIN is missing, which no bridge here needs");

        await Own(await TestClient.TcpAsync(listen)).EchoAsync(Pattern.Take(1000));
    }

    [Test]
    public async Task Run_EveryListenerOnAPortItMayNotHave_EndsWith77AndTellsTheCure()
    {
        await using DaemonProcess daemon = await DaemonProcess.LaunchAsync(
            new DaemonConfig(Privileged("web", 80), Privileged("dns", 53) with { Protocol = "udp" },
                Privileged("off", 79) with { Enabled = false }), s_nobodyInFreshNetwork);

        int code = await daemon.ExitAsync(Soon);

        Assert.That(code, Is.EqualTo(MissingPrivilege), daemon.LogText());
        Assert.That(daemon.LogText(), Does.Contain("CAP_NET_BIND_SERVICE is missing, and every bridge here needs it").And
            .Contain("as root"));
        Assert.That(Directory.GetFileSystemEntries(daemon.RuntimeDirectory), Is.Empty);
        daemon.CheckNoStackTrace();
    }

    [Test]
    public async Task Run_OneListenerOnAPortItMayNotHave_TheOthersServeAndAReloadEndsNothing()
    {
        DaemonProcess daemon = await LaunchAsync(new DaemonConfig(Privileged("web", 80), Privileged("high", 8080)), s_nobodyInFreshNetwork);
        await daemon.WaitLogAsync("EACCES");
        await daemon.WaitAsync(() => File.Exists(daemon.SocketPath("high")), "the other bridge serves");

        daemon.Rewrite(new DaemonConfig(Privileged("web", 80)));
        await daemon.WaitLogAsync("Reloaded");

        Assert.That((await daemon.StatusAsync()).GetProperty("bridges")[0].GetProperty("state").GetString(), Is.EqualTo("failed"));
    }

    [Test]
    public async Task Run_MetricsWhereItMayNotWrite_EndsWith77AndNamesTheFolder()
    {
        using var closed = new ScratchDirectory();
        await using DaemonProcess daemon = await DaemonProcess.LaunchAsync(
            new DaemonConfig { Metrics = new JsonObject { ["Listen"] = $"unix:{closed["metrics"]}" } },
            new DaemonLaunch { User = "nobody" });

        int code = await daemon.ExitAsync(Soon);

        Assert.That(code, Is.EqualTo(MissingPrivilege), daemon.LogText());
        Assert.That(daemon.LogText(), Does.Contain("EACCES").And.Contain($"may write to {closed.FullName}"));
        daemon.CheckNoStackTrace();
    }

    private static BridgeEntry Privileged(string name, int port) =>
        new(name) { Listen = $"127.0.0.1:{port}", Namespace = "host", Target = "127.0.0.1:22" };

    private string OpenSocketPath()
    {
        ScratchDirectory folder = Scratch();
        folder.OpenToEveryone();
        return folder["web.sock"];
    }
}
