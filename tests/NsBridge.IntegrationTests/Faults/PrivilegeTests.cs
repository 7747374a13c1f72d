using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Faults;

internal sealed class PrivilegeTests : BridgeFixture
{
    private const int MissingPrivilege = 77;

    [Test]
    public async Task Run_WithoutTheCapability_EndsWith77AndTellsTheCure()
    {
        var space = await NamespaceAsync();
        await using var daemon = await DaemonProcess.LaunchAsync(
            new DaemonSettings(new BridgeEntry("web") { Listen = FreeEndPoint().ToString(), Namespace = space.Name, Target = "127.0.0.1:3000" }),
            new DaemonLaunch { User = "nobody" });

        var code = await daemon.ExitAsync(Soon);

        Assert.That(code, Is.EqualTo(MissingPrivilege), daemon.LogText());
        Assert.That(daemon.LogText(), Does.Contain("CAP_SYS_ADMIN").And.Contain("as root").And.Contain("Without root"));
        Assert.That(Directory.GetFileSystemEntries(daemon.RuntimeDirectory), Is.Empty);
        daemon.CheckNoStackTrace();
    }

    [Test]
    public async Task Run_OuterHalfAlone_NeedsNoPrivilege()
    {
        var scene = await SceneAsync(Serve.Echo, entry => entry with { Listen = null, Socket = OpenSocketPath(), SocketMode = "0666" });
        var listen = FreeEndPoint();
        var daemon = await StartAsync(
            new DaemonSettings(new BridgeEntry("outer") { Listen = listen.ToString(), Socket = scene.SocketPath }),
            new DaemonLaunch { User = "nobody" });
        await daemon.WaitLogAsync("CAP_SYS_ADMIN is missing, which no bridge here needs");

        await Own(await Dial.TcpAsync(listen)).EchoAsync(Pattern.Take(1000));
    }

    private string OpenSocketPath()
    {
        var folder = Scratch();
        folder.OpenToEveryone();
        return folder["web.sock"];
    }
}
