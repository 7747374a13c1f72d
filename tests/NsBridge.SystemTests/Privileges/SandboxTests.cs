using System.Globalization;
using NsBridge.SystemTests.Machine;
using NsBridge.Testing;

namespace NsBridge.SystemTests.Privileges;

/// <summary>The rights of the running daemon, as the kernel and the service manager show them.</summary>
internal sealed class SandboxTests : ServiceFixture
{
    private const long SysAdmin = 1L << 21;
    private const long NetBindService = 1L << 10;
    private const int SystemCallFilterOn = 2;

    [Test]
    [Promise("privileges")]
    public async Task Process_Capabilities_ThoseTwoAndNoOther()
    {
        Dictionary<string, string> status = await StatusAsync();
        foreach (string? set in new[] { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" })
            Assert.That(long.Parse(status[set], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                Is.EqualTo(SysAdmin | NetBindService), set);
    }

    [Test]
    public async Task Process_User_IsNotRootAndCannotLogIn()
    {
        string[] users = (await StatusAsync())["Uid"].Split('\t');
        Assert.That(users, Has.All.EqualTo(users[0]).And.None.EqualTo("0"));
        Assert.That(await Machine.CheckAsync("grep '^nsbridge:' /etc/passwd"),
            Does.Match(@"^nsbridge:[^:]*:[1-9]\d{0,2}:[1-9]\d{0,2}:[^:]*:/:/usr/sbin/nologin\s*$"));
        Assert.That(await Machine.CheckAsync("grep '^nsbridge:' /etc/shadow"), Does.Match("^nsbridge:!"));
    }

    [Test]
    public async Task Process_Filters_AreOn()
    {
        Dictionary<string, string> status = await StatusAsync();
        Assert.That(status["NoNewPrivs"], Is.EqualTo("1"));
        Assert.That(status["Seccomp"], Is.EqualTo(SystemCallFilterOn.ToString(CultureInfo.InvariantCulture)));
    }

    [Test]
    public async Task Unit_SecurityAnalysis_ExposureOfTwoOrLess() =>
        // The threshold counts tenths.
        await Machine.CheckAsync("systemd-analyze security --no-pager --threshold=19 nsbridge.service");

    [Test]
    public async Task Unit_Verified_NoComplaint()
    {
        CommandResult verdict = await Machine.RunAsync("systemd-analyze verify --man=no nsbridge.service");
        Assert.That((verdict.ExitCode, verdict.Everything), Is.EqualTo((0, "")));
    }

    [Test]
    public async Task Bridge_PortBelow1024_Listens()
    {
        TargetNamespace target = await TargetNamespace.AddAsync(Machine);
        await target.EchoAsync(3000);
        await Service.RestartWithAsync(
            new BridgeEntry("web") { Listen = "0.0.0.0:80", Namespace = target.Name, Target = "127.0.0.1:3000" });
        await Service.EchoesAsync(80);
    }

    [Test]
    [Promise("privileges")]
    public async Task Bridge_NamespaceOfAProcess_FailsWithTheReasonUntilTheDropInIsThere()
    {
        TargetNamespace target = await TargetNamespace.AddAsync(Machine);
        await target.EchoAsync(3000);
        string process = (await Machine.CheckAsync($"systemctl show --value --property=MainPID 'echo-{target.Name}-3000.service'")).Trim();
        await Service.RestartWithAsync(
            new BridgeEntry("process") { Listen = "127.0.0.1:3004", Namespace = $"pid:{process}", Target = "127.0.0.1:3000" },
            new BridgeEntry("named") { Listen = "127.0.0.1:3005", Namespace = target.Name, Target = "127.0.0.1:3000" });

        await Service.BecomesAsync("process", "failed");
        Assert.That((string?)(await Service.BridgeAsync("process"))?["reason"], Does.Contain("CAP_SYS_PTRACE"));
        await Service.EchoesAsync(3005);

        await WithDropInAsync("enter-processes.conf", async () =>
        {
            await Service.BecomesAsync("process", "up");
            await Service.EchoesAsync(3004);
        });
    }

    [Test]
    [Promise("source-address.fails-closed")]
    public async Task SourceAddress_InTheSandbox_FailsWithTheReasonUntilTheDropInIsThere()
    {
        TargetNamespace target = await TargetNamespace.AddAsync(Machine);
        await target.EchoAsync(3000);
        await Machine.CheckAsync($"ip -n {target.Name} rule add from 127.0.0.0/8 iif lo table 123");
        await Machine.CheckAsync($"ip -n {target.Name} route add local 0.0.0.0/0 dev lo table 123");
        await Service.RestartWithAsync(
            new BridgeEntry("own") { Listen = "127.0.0.1:3007", Namespace = target.Name, Target = "127.0.0.1:3000", SourceAddress = "client" });

        await Service.BecomesAsync("own", "failed");
        Assert.That((string?)(await Service.BridgeAsync("own"))?["reason"], Does.Contain("CAP_NET_RAW").And.Contain("client-address.conf"));

        await WithDropInAsync("client-address.conf", async () =>
        {
            await Service.BecomesAsync("own", "up");
            await Service.EchoesAsync(3007);
        });
    }

    [Test]
    public async Task Ring_InTheSandbox_IsRefusedUntilTheDropInIsThere()
    {
        TargetNamespace target = await TargetNamespace.AddAsync(Machine);
        await target.EchoAsync(3000);
        await Service.RestartWithAsync(
            new BridgeEntry("ring") { Listen = "127.0.0.1:3006", Namespace = target.Name, Target = "127.0.0.1:3000" });
        await Service.EchoesAsync(3006);
        Assert.That(await RingsAsync(), Is.Zero);
        await WithDropInAsync("io-uring.conf", async () =>
        {
            await Service.EchoesAsync(3006);
            Assert.That(await RingsAsync(), Is.Positive);
            await Service.EchoesAsync(3006);
        });
    }

    private async Task<int> RingsAsync() =>
        int.Parse(await Machine.CheckAsync($"ls -l /proc/{await Service.ProcessAsync()}/fd | grep -c 'io_uring' || true"),
            CultureInfo.InvariantCulture);

    [Test]
    public async Task Bridge_SocketGroup_GivenWithTheDropIn()
    {
        TargetNamespace target = await TargetNamespace.AddAsync(Machine);
        await target.EchoAsync(3000);
        await WithDropInAsync("socket-group.conf", async () =>
        {
            await Service.RestartWithAsync(new BridgeEntry("door")
            {
                Namespace = target.Name,
                Target = "127.0.0.1:3000",
                SocketMode = "0660",
                SocketGroup = "www-data",
            });
            await Service.BecomesAsync("door", "up");
            Assert.That((await Machine.CheckAsync("stat --format='%G %a' /run/nsbridge/door.sock")).Trim(), Is.EqualTo("www-data 660"));
            Assert.That(await AsAsync("www-data"), Is.EqualTo("over"));
            Assert.That(await AsAsync("nobody"), Is.Empty);
        });
    }

    /// <summary>What a user gets back through the bridge's UNIX socket.</summary>
    private async Task<string> AsAsync(string user) =>
        (await Machine.RunAsync($"echo over | setpriv --reuid={user} --regid={user} --clear-groups socat -t 5 -T 5 - "
            + $"UNIX-CONNECT:/run/nsbridge/door.sock")).Output.Trim();

    private async Task<Dictionary<string, string>> StatusAsync()
    {
        string lines = await Machine.CheckAsync($"cat /proc/{await Service.ProcessAsync()}/status");
        return lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(':', 2))
            .ToDictionary(field => field[0], field => field[1].Trim());
    }
}
