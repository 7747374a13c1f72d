using NsBridge.Commands.Inspection;

namespace NsBridge.ComponentTests.Commands.Inspection;

public class RunningProcessTests
{
    private const string Id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [TestCase("0::/system.slice/vpn.service\n", "vpn.service", null, null)]
    [TestCase("0::/system.slice/system-vpn.slice/vpn@home.service/child\n", "vpn@home.service", null, null)]
    [TestCase("0::/user.slice/user-0.slice/user@0.service/app.slice/x.service\n", "x.service", null, null)]
    [TestCase("0::/user.slice/user-0.slice/session-1.scope\n", null, null, null)]
    [TestCase("0::/system.slice/docker-" + Id + ".scope\n", null, Id, null)]
    [TestCase("0::/machine.slice/libpod-" + Id + ".scope/container\n", null, Id, null)]
    [TestCase("12:pids:/docker/" + Id + "\n0::/\n", null, Id, null)]
    [TestCase(@"0::/machine.slice/machine-my\x2dweb.scope/payload/system.slice/ssh.service" + "\n", null, null, "my-web")]
    [TestCase("0::/machine.slice/systemd-nspawn@my-web.service/payload/libpod-" + Id + ".scope\n", null, null, "my-web")]
    [TestCase("0::/\n", null, null, null)]
    public void OwnerOf_AControlGroup_TellsServiceContainerAndMachine(string cgroup, string? unit, string? container, string? machine) =>
        Assert.That(RunningProcess.OwnerOf(cgroup), Is.EqualTo((unit, container, machine)));

    [Test]
    public void TryRead_OfThisProcess_TellsItsName() =>
        Assert.That(RunningProcess.TryRead(Environment.ProcessId)!.Name, Is.EqualTo(File.ReadAllText("/proc/self/comm").Trim()));

    [Test]
    public void TryRead_OfNoProcess_TellsNothing() => Assert.That(RunningProcess.TryRead(int.MaxValue), Is.Null);
}
