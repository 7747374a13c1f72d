using NsBridge.Base;
using NsBridge.Commands.Import;

namespace NsBridge.UnitTests.Commands.Import;

/// <summary>In which network namespace what stands in front of a socat puts it.</summary>
internal sealed class ImportPlaceTests
{
    private const string Listener = "socat TCP-LISTEN:80,fork UNIX:/run/web.sock";
    private const string Server = "socat UNIX-LISTEN:/run/web.sock,fork TCP:127.0.0.1:3000";

    [TestCase("vpn", "ip netns exec vpn")]
    [TestCase("vpn", "/sbin/ip net e vpn")]
    [TestCase("vpn", "exec ip netns exec vpn")]
    [TestCase("vpn", "ip netns exec vpn sudo -Eu me env -u B A=b nice -n 5 timeout -k 1 30s stdbuf -oL")]
    [TestCase("pid:1234", "nsenter -t 1234 -n")]
    [TestCase("pid:1234", "nsenter -t1234 -n")]
    [TestCase("pid:1234", "nsenter --target=1234 --net")]
    [TestCase("pid:1234", "nsenter --target 1234 --net -m -S 0 -r/ --")]
    [TestCase("pid:1234", "sudo nsenter -a -t 1234")]
    [TestCase("pid:1234", "nsenter -t 1234 -an")]
    [TestCase("pid:1234", "nsenter --all --target 1234")]
    [TestCase("vpn", "nsenter --net=/run/netns/vpn")]
    [TestCase("/proc/7/ns/net", "nsenter -n/proc/7/ns/net -m/proc/7/ns/mnt")]
    public void Import_OfANamespaceThatIsEntered_PutsListenerAndTargetThere(string place, string before)
    {
        Assert.That(new SocatPairs(null, []).Join(SourceReader.Read($"{before} {Listener}")).Single().ListenNamespace, Is.EqualTo(place));
        Assert.That(new SocatPairs("elsewhere", []).Join(SourceReader.Read($"{before} {Server}")).Single().Namespace, Is.EqualTo(place));
    }

    [TestCase("sudo -u me")]
    [TestCase("exec")]
    [TestCase("A=b nohup setsid")]
    [TestCase("nsenter -t 1234 -m -p")]
    public void Import_OfWhatLeavesTheNetworkAsItIs_PutsTheListenerOnTheHost(string before) =>
        Assert.That(new SocatPairs(null, []).Join(SourceReader.Read($"{before} {Listener}")).Single().ListenNamespace, Is.Null);

    [TestCase("unshare -n")]
    [TestCase("podman exec web")]
    [TestCase("sudo -u me docker exec web")]
    [TestCase("sudo -ume vpnexec")]
    [TestCase("systemd-run -p PrivateNetwork=yes")]
    [TestCase("ip netns exec vpn unshare -n")]
    [TestCase("ip vrf exec red")]
    [TestCase("ip -all netns exec")]
    [TestCase("ip netns exec $NS")]
    [TestCase("$ENTER")]
    [TestCase("nsenter -t 1234 -mn")]
    [TestCase("nsenter -tn 1234")]
    [TestCase("nsenter -nt1234")]
    [TestCase("nsenter -n -t $(pidof openvpn)")]
    [TestCase("nsenter -n -t $PID")]
    [TestCase("nsenter -n")]
    [TestCase("nsenter -N 3")]
    [TestCase("nsenter --net=vpn")]
    [TestCase("nsenter --net /run/netns/vpn")]
    public void Import_OfAPlaceThatCannotBeRead_IsRefusedOfAListenerAndAskedForOfATarget(string before)
    {
        Assert.That(
            () => new SocatPairs("vpn", []).Join(SourceReader.Read($"{before} {Listener}")),
            Throws.TypeOf<UserErrorException>().With.Message.Contains("listens").And.Message.Contains("ip netns exec NAME").And.Property("ExitCode").EqualTo(64));
        Assert.That(
            () => new SocatPairs(null, []).Join(SourceReader.Read($"{before} {Server}")),
            Throws.TypeOf<UserErrorException>().With.Message.Contains("--namespace NAME").And.Property("ExitCode").EqualTo(64));
        Assert.That(new SocatPairs("said", []).Join(SourceReader.Read($"{before} {Server}")).Single().Namespace, Is.EqualTo("said"));
    }

    [TestCase("PrivateNetwork=yes", "ExecStart=")]
    [TestCase("NetworkNamespacePath=/run/netns/%i", "ExecStart=")]
    [TestCase("JoinsNamespaceOf=vpn@%i.service\nPrivateNetwork=yes", "ExecStart=")]
    [TestCase("Type=exec", "ExecStart=ip netns exec %i ")]
    public void Import_OfAUnitWhosePlaceCannotBeRead_IsRefusedOfAListenerAndAskedForOfATarget(string lines, string start)
    {
        Assert.That(
            () => new SocatPairs("vpn", []).Join(SourceReader.ReadFile($"[Service]\n{lines}\n{start}{Listener}\n")),
            Throws.TypeOf<UserErrorException>().With.Message.Contains("listens").And.Property("ExitCode").EqualTo(64));
        Assert.That(
            () => new SocatPairs(null, []).Join(SourceReader.ReadFile($"[Service]\n{lines}\n{start}{Server}\n")),
            Throws.TypeOf<UserErrorException>().With.Message.Contains("--namespace NAME").And.Property("ExitCode").EqualTo(64));
    }

    [TestCase("unshare -n socat TCP-LISTEN:80,netns=host,fork UNIX:/run/web.sock", "host")]
    [TestCase("unshare -n socat TCP-LISTEN:80,netns=vpn,fork UNIX:/run/web.sock", "vpn")]
    public void Import_OfAListenerThatNamesItsNamespaceItself_HeedsThatAlone(string source, string place) =>
        Assert.That(new SocatPairs(null, []).Join(SourceReader.Read(source)).Single().ListenNamespace, Is.EqualTo(place));

    [TestCase("""ip netns exec vpn sh -c "socat UNIX-LISTEN:/run/web.sock TCP:127.0.0.1:80" """)]
    [TestCase("""sh -c "exec ip netns exec vpn socat UNIX-LISTEN:/run/web.sock TCP:127.0.0.1:80" """)]
    [TestCase("""sudo nsenter --net=/run/netns/vpn /bin/bash -lc "socat UNIX-LISTEN:/run/web.sock TCP:127.0.0.1:80" """)]
    public void Import_OfAShellThatRunsSocat_FollowsIt(string source) =>
        Assert.That(new SocatPairs(null, []).Join(SourceReader.Read(source)).Single().Namespace, Is.EqualTo("vpn"));

    [Test]
    public void Import_OfAPlaceThatCannotBeReadAroundAShell_IsNotTheHosts() =>
        Assert.That(
            () => new SocatPairs(null, []).Join(SourceReader.Read($"podman exec web sh -c '{Listener}'")),
            Throws.TypeOf<UserErrorException>().With.Message.Contains("podman exec web"));

    [Test]
    public void Import_OfACommandOfSocatInAPlaceThatCannotBeRead_IsNotWhereItsListenerIs() =>
        Assert.That(
            () => new SocatPairs(null, []).Join(SourceReader.Read("ip netns exec vpn socat TCP-LISTEN:80,fork EXEC:'docker exec web nc 127.0.0.1 3000'")),
            Throws.TypeOf<UserErrorException>().With.Message.Contains("docker exec web"));
}
