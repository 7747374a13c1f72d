using System.Globalization;
using System.Text.Json;
using NsBridge.IntegrationTests.Udp;
using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Resources;

internal sealed class MemoryLimitTests : UdpFixture
{
    /// <summary>Too little for what a loop's first UDP bridge needs, and enough for the rest.</summary>
    private const long Left = 6_000_000;

    [Test]
    public async Task Reload_FirstUdpBridgeWithoutMemoryForIt_FailsAloneAndServesOnceThereIsSome()
    {
        var scene = await SceneAsync(Serve.Echo);
        var held = await ConnectAsync(scene);
        await held.EchoAsync(Hello);
        // The threads that a reload takes are there then.
        await scene.Daemon.StatusAsync();
        await scene.Daemon.SignalAsync("HUP");
        await scene.Daemon.WaitLogAsync("says what runs already");
        var target = Own(UdpTarget.Start(scene.Namespace));
        var listen = FreeEndPoint();
        var pid = $"--pid={scene.Daemon.Id}";

        await Command.CheckAsync("prlimit", pid, string.Create(CultureInfo.InvariantCulture, $"--as={AddressSpace(scene.Daemon.Id) + Left}:"));
        scene.Daemon.Rewrite(new DaemonSettings(Entry("echo", listen.ToString(), scene.Namespace, target.EndPoint.ToString()), scene.Entry));
        await scene.Daemon.WaitLogAsync("no memory");
        await held.EchoAsync(Hello);

        await Command.CheckAsync("prlimit", pid, "--as=unlimited:");
        await scene.Daemon.WaitStatusAsync(IsUp, "it is up");
        await Client(listen).EchoAsync(Hello);
        await held.EchoAsync(Hello);
    }

    private static bool IsUp(JsonElement bridge) => bridge.GetProperty("state").GetString() == "up";

    private static long AddressSpace(int process) =>
        long.Parse(File.ReadAllText($"/proc/{process}/statm").Split(' ')[0], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
}
