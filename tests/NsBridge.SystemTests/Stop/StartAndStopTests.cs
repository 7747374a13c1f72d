using NsBridge.SystemTests.Machine;
using NsBridge.Testing;

namespace NsBridge.SystemTests.Stop;

/// <summary>When the service counts as started, and what a stop leaves.</summary>
internal sealed class StartAndStopTests : ServiceFixture
{
    private TargetNamespace _target = null!;

    [OneTimeSetUp]
    public async Task ServeAsync()
    {
        _target = await TargetNamespace.AddAsync(Machine);
        await _target.EchoAsync(3000);
    }

    [Test]
    public async Task Start_Returned_EveryListenerIsBound()
    {
        BridgeEntry[] bridges = [.. Enumerable.Range(4000, 40).Select(port => Bridge($"b{port}", port))];
        await Service.ConfigureAsync(bridges);
        for (int round = 0; round < 5; round++)
        {
            // One script, so that only the start itself is between the two.
            string listening = await Machine.CheckAsync(
                "systemctl stop nsbridge; systemctl start nsbridge; ss -Hltn 'sport >= :4000 and sport < :4040' | wc -l");
            Assert.That(listening.Trim(), Is.EqualTo("40"), $"round {round}");
        }
    }

    [Test]
    public async Task Status_BridgesAndConnections_AreCounted()
    {
        await Service.RestartWithAsync(Bridge("web", 3003), Bridge("other", 3004) with { Namespace = TargetNamespace.FreshName() });
        using HeldConnection held = await HeldConnection.OpenAsync(Machine, 3003);
        await Machine.EventuallyAsync(
            "systemctl show nsbridge --property=StatusText | grep '1 .*up' | grep '1 .*waiting' | grep -q '1 connection'",
            TimeSpan.FromSeconds(10));
    }

    [Test]
    [Promise("stop")]
    public async Task Stop_Serving_LeavesNothing()
    {
        await Service.RestartWithAsync(Bridge("web", 3003));
        await Service.EchoesAsync(3003);
        int process = await Service.ProcessAsync();
        await Machine.CheckAsync("systemctl stop nsbridge");

        Assert.That(await Service.PropertyAsync("Result"), Is.EqualTo("success"));
        Assert.That(await Service.PropertyAsync("ExecMainStatus"), Is.EqualTo("0"));
        Assert.That(await Machine.HoldsAsync($"test -e /proc/{process}"), Is.False);
        Assert.That(await Machine.HoldsAsync("test -e /run/nsbridge"), Is.False);
        Assert.That(await Machine.CheckAsync("ss -Hltn sport = :3003"), Is.Empty);
    }

    [Test]
    public async Task Restart_UnixSocketsOfThePreviousProcess_NotInTheWay()
    {
        await Service.RestartWithAsync(Bridge("web", 3003));
        await Machine.CheckAsync("systemctl restart nsbridge");
        await Machine.EventuallyAsync(
            "[ \"$(echo over | socat -t 5 -T 5 - UNIX-CONNECT:/run/nsbridge/web.sock)\" = over ]", TimeSpan.FromSeconds(10));
    }

    private BridgeEntry Bridge(string name, int port) =>
        new(name) { Listen = $"127.0.0.1:{port}", Namespace = _target.Name, Target = "127.0.0.1:3000" };
}
