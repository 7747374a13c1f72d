using NsBridge.SystemTests.Machine;
using NsBridge.Testing;

namespace NsBridge.SystemTests.Systemd;

/// <summary>Listeners that systemd opens, with the example unit of the package.</summary>
internal sealed class SocketActivationTests : ServiceFixture
{
    private TargetNamespace _target = null!;

    [OneTimeSetUp]
    public async Task HandOverAsync()
    {
        _target = await TargetNamespace.AddAsync(Machine);
        await _target.EchoAsync(3000);
        // The port of the unit is not the one in the configuration, so the process that answers on it has inherited it.
        await Service.ConfigureAsync(new BridgeEntry("web")
        {
            Listen = "127.0.0.1:3003",
            Namespace = _target.Name,
            Target = "127.0.0.1:3000"
        });
        await Machine.CheckAsync("""
            cp /usr/share/doc/nsbridge/examples/nsbridge-web.socket /etc/systemd/system/
            systemctl daemon-reload
            systemctl stop nsbridge
            systemctl enable --now nsbridge-web.socket
            """);
    }

    [SetUp]
    public async Task StartAsync() => await Machine.CheckAsync("systemctl start nsbridge");

    [Test]
    public async Task Socket_HandedOver_ReplacesTheBridgesOwnBind()
    {
        await Service.EchoesAsync(80);
        Assert.That(await Machine.CheckAsync("ss -Hltn sport = :3003"), Is.Empty);
    }

    [Test]
    public async Task Socket_ServiceIsDown_FirstClientStartsIt()
    {
        await Machine.CheckAsync("systemctl stop nsbridge.service");
        await Service.EchoesAsync(80);
        Assert.That(await Service.PropertyAsync("ActiveState"), Is.EqualTo("active"));
    }

    [Test]
    public async Task Socket_ServiceRestarts_NoClientIsRefused()
    {
        for (int round = 0; round < 3; round++)
        {
            await Machine.CheckAsync($"""
                systemctl restart nsbridge.service & restart=$!
                while kill -0 $restart 2>/dev/null; do {InstalledService.EchoProof(80)} || exit 1; done
                wait $restart
                {InstalledService.EchoProof(80)}
                """);
        }
    }

    [Test]
    public async Task Socket_AfterAReload_StillServes()
    {
        await Service.ConfigureAsync(
            new BridgeEntry("web") { Listen = "127.0.0.1:3003", Namespace = _target.Name, Target = "localhost:3000" },
            new BridgeEntry("more") { Listen = "127.0.0.1:3004", Namespace = _target.Name, Target = "127.0.0.1:3000" });
        await Machine.CheckAsync("systemctl reload nsbridge");
        await Service.EchoesAsync(3004);
        await Service.EchoesAsync(80);
    }

    [Test]
    public async Task Process_Environment_NothingInherits()
    {
        int process = await Service.ProcessAsync();
        // 02000000 in fdinfo is O_CLOEXEC.
        await Machine.CheckAsync($"""
            for fd in /proc/{process}/fd/*; do
              case $(readlink $fd) in socket:*) ;; *) continue ;; esac
              n=$(basename $fd); [ $n -gt 2 ] || continue
              flags=$(sed -n 's/^flags:\s*//p' /proc/{process}/fdinfo/$n)
              [ $((flags & 02000000)) -ne 0 ] || exit 1
            done
            """);
    }
}
