using System.Text.Json.Nodes;
using NsBridge.SystemTests.Machine;
using NsBridge.Testing;

namespace NsBridge.SystemTests.Udp;

/// <summary>A UDP bridge of the packaged service: its sandbox lets every call and option through that datagrams are moved by.</summary>
internal sealed class DatagramTests : ServiceFixture
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(15);

    [Test]
    public async Task Udp_OfEverySizeAndInBursts_ComesBackWhole()
    {
        TargetNamespace target = await TargetNamespace.AddAsync(Machine);
        using BackgroundProcess server = Machine.Start($"exec ip netns exec {target.Name} python3 /usr/local/bin/datagrams serve 3000");
        await Machine.EventuallyAsync($"ss --net={target.Name} -Hlun sport = :3000 | grep -q .", s_soon);
        await Service.RestartWithAsync(
            new BridgeEntry("echo") { Protocol = "udp", Listen = "127.0.0.1:3003", Namespace = target.Name, Target = "127.0.0.1:3000" });

        Assert.That(await Machine.CheckAsync("python3 /usr/local/bin/datagrams ask 3003"), Is.EqualTo("sizes\nbursts\n"));

        JsonNode? bridge = await Service.BridgeAsync("echo");
        Assert.That((long?)bridge?["bytes"]?["toClient"], Is.EqualTo((long?)bridge?["bytes"]?["toTarget"]).And
            .GreaterThan(100 * 40 * 1200));
        Assert.That(await Service.JournalAsync("--priority=warning --since=-1min"), Does.Not.Contain("EPERM").And.Not
            .Contain("EAFNOSUPPORT"));
    }
}
