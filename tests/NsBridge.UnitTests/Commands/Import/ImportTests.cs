using NsBridge.Base;
using NsBridge.Commands.Discover;
using NsBridge.Commands.Import;

namespace NsBridge.UnitTests.Commands.Import;

/// <summary>Bridges of socats and of what stands around them.</summary>
internal sealed class ImportTests
{
    private const string OuterLine = "socat TCP-LISTEN:3003,fork,reuseaddr UNIX-CONNECT:/run/web.sock";
    private const string InnerLine = "sudo ip netns exec vpn socat -d -d UNIX-LISTEN:/run/web.sock,fork TCP:127.0.0.1:3000";
    private const string Listener = "socat TCP-LISTEN:80,fork UNIX:/run/web.sock";
    private const string Server = "socat UNIX-LISTEN:/run/web.sock,fork TCP:127.0.0.1:3000";

    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:3003", "Namespace": "vpn", "Target": "127.0.0.1:3000" }""", OuterLine, InnerLine)]
    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:3003", "Namespace": "vpn", "Target": "127.0.0.1:3000" }""", OuterLine + " & " + InnerLine)]
    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:80", "Namespace": "vpn", "Target": "127.0.0.1:80" }""",
        """socat tcp-listen:80,fork,reuseaddr exec:'ip netns exec vpn socat STDIO "tcp-connect:127.0.0.1:80"',nofork""")]
    [TestCase("""{ "Name": "vpn", "Listen": "127.0.0.1:80", "Namespace": "vpn", "Target": "127.0.0.1:3000" }""",
        """socat TCP4-LISTEN:80,bind=127.0.0.1,fork EXEC:'ip netns exec vpn socat STDIO TCP\:127.0.0.1\:3000',nofork""")]
    [TestCase("""{ "Name": "net", "Listen": "[::]:80", "AllowFrom": "10.0.0.0/8", "Namespace": "/proc/7/ns/net", "Target": "[::1]:8080" }""",
        "nsenter --net=/proc/7/ns/net socat TCP6-LISTEN:80,netns=host,fork,range=10.0.0.0/8 TCP6:[::1]:8080")]
    [TestCase("""{ "Name": "42", "Protocol": "udp", "Listen": "0.0.0.0:53", "Namespace": "pid:42", "Target": "127.0.0.1:53" }""",
        "socat UDP-LISTEN:53,fork EXEC:'nsenter -t 42 -n socat - UDP:127.0.0.1:53'")]
    [TestCase("""{ "Name": "web", "Listen": "0.0.0.0:3003", "Socket": "/run/web.sock" }""", OuterLine)]
    [TestCase("""{ "Name": "web", "Socket": "/run/web.sock", "SocketMode": "0660", "Namespace": "vpn", "Target": "unix:/run/app.sock" }""",
        "nsenter --net=/run/netns/vpn socat UNIX-LISTEN:/run/web.sock,mode=00660,fork UNIX-CONNECT:/run/app.sock")]
    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:3003", "AllowFrom": "10.0.0.0/8", "MaxConnections": "9", "SocketMode": "0660", "SocketGroup": "root", "Namespace": "vpn", "Target": "127.0.0.1:3000" }""",
        "socat TCP-LISTEN:3003,fork,range=10.0.0.0/8,max-children=9 UNIX:/run/web.sock",
        "ip netns exec vpn socat UNIX-LISTEN:/run/web.sock,fork,perm=0660,group=root TCP:127.0.0.1:3000")]
    [TestCase("""{ "Name": "vpn", "Protocol": "udp", "Listen": "0.0.0.0:53", "Namespace": "vpn", "Target": "127.0.0.1:53" }""",
        "socat UDP-LISTEN:53,fork UNIX:/run/dns.sock", "ip netns exec vpn socat UNIX-LISTEN:/run/dns.sock,fork UDP:127.0.0.1:53")]
    [TestCase("""{ "Name": "vpn", "Listen": "[fe80::2%nsbt0]:80", "Namespace": "vpn", "Target": "[fe80::1%nsbt0]:3000" }""",
        "ip netns exec vpn socat TCP6-LISTEN:80,bind=[fe80::2%nsbt0],netns=host,fork TCP6:[fe80::1%nsbt0]:3000")]
    public void Import_OfSocats_GivesABridgeThatIsAccepted(string entry, params string[] sources)
    {
        List<BridgeDraft> drafts = Import(null, sources);

        Assert.That(drafts.Select(draft => draft.ToJson().Replace("\"ListenNamespace\": \"host\", ", "", StringComparison.Ordinal)), Is.EqualTo([entry]));
        ImportCommand.RefuseWrong(drafts);
    }

    [TestCase("vpn", "ip netns exec vpn")]
    [TestCase("vpn", "/sbin/ip netns exec vpn")]
    [TestCase("vpn", "exec sudo ip netns exec vpn nohup")]
    [TestCase("pid:1234", "nsenter -t 1234 -n")]
    [TestCase("pid:1234", "sudo nsenter --net --target 1234")]
    [TestCase("vpn", "nsenter --net=/run/netns/vpn")]
    [TestCase("/proc/7/ns/net", "nsenter --net=/proc/7/ns/net")]
    public void Import_OfANamespaceThatIsEntered_PutsListenerAndTargetThere(string place, string before)
    {
        Assert.That(Import(null, $"{before} {Listener}").Single().ListenNamespace, Is.EqualTo(place));
        Assert.That(Import("elsewhere", $"{before} {Server}").Single().Namespace, Is.EqualTo(place));
    }

    [TestCase("unshare -n")]
    [TestCase("podman exec web")]
    [TestCase("sudo -u me docker exec web")]
    [TestCase("systemd-run -p PrivateNetwork=yes")]
    [TestCase("ip netns exec vpn unshare -n")]
    [TestCase("ip vrf exec red")]
    [TestCase("ip -all netns exec")]
    [TestCase("ip netns exec $NS")]
    [TestCase("$ENTER")]
    [TestCase("nsenter -t $PID -n")]
    [TestCase("nsenter -t 1234 -mn")]
    [TestCase("nsenter -a -t 1234")]
    [TestCase("nsenter -n")]
    [TestCase("nsenter --net /run/netns/vpn")]
    public void Import_OfAPlaceThatCannotBeRead_NamesItAndInventsNone(string before)
    {
        Assert.That(() => Import("vpn", $"{before} {Listener}"), Refused("namespace of the listener cannot be read"));
        Assert.That(() => Import(null, $"{before} {Server}"), Refused("--namespace NAME"));
        Assert.That(Import("said", $"{before} {Server}").Single().Namespace, Is.EqualTo("said"));
    }

    [TestCase("""ip netns exec vpn sh -c "socat UNIX-LISTEN:/run/web.sock TCP:127.0.0.1:80" """)]
    [TestCase("""sh -c "exec ip netns exec vpn socat UNIX-LISTEN:/run/web.sock TCP:127.0.0.1:80" """)]
    public void Import_OfAShellThatRunsSocat_ReadsItsScript(string source) => Assert.That(Import(null, source).Single().Namespace, Is.EqualTo("vpn"));

    [TestCase("podman exec web sh -c 'socat TCP-LISTEN:80,fork UNIX:/run/web.sock'", "podman exec web")]
    [TestCase("ip netns exec vpn socat TCP-LISTEN:80,fork EXEC:'docker exec web socat - TCP:127.0.0.1:3000'", "docker exec web")]
    public void Import_OfAPlaceThatCannotBeReadAroundAnotherCommand_IsRefused(string source, string piece) =>
        Assert.That(() => Import(null, source), Refused(piece));

    [Test]
    public void Import_OfUnitFiles_TakesTheirNamespace()
    {
        var inner = ImportSource.OfText("inner.service", """
            [Service]
            # ExecStart=/usr/bin/socat A B
            NetworkNamespacePath=/run/netns/vpn
            ExecStart=-/usr/bin/socat UNIX-LISTEN:/run/web.sock,fork \
            # why
                TCP:localhost:3000
            """);
        var outer = ImportSource.OfText("outer.service", "[Service]\nExecStart=/usr/bin/socat TCP-LISTEN:3003,fork UNIX:/run/web.sock\n");

        Assert.That(new BridgeMaker(null).Make([inner, outer]).Single().ToJson(),
            Is.EqualTo("""{ "Name": "vpn", "Listen": "0.0.0.0:3003", "Namespace": "vpn", "Target": "localhost:3000" }"""));
    }

    [TestCase("vpn", "NetworkNamespacePath=\"/run/netns/vpn\"")]
    [TestCase("unit:vpn.service", "JoinsNamespaceOf=vpn.service\nPrivateNetwork=yes")]
    [TestCase("vpn", "JoinsNamespaceOf=vpn.service\nPrivateNetwork=yes\nNetworkNamespacePath=/run/netns/vpn")]
    [TestCase(null, "JoinsNamespaceOf=vpn.service\nPrivateTmp=yes")]
    [TestCase(null, "JoinsNamespaceOf=vpn.service\nPrivateNetwork=yes\nPrivateNetwork=no")]
    [TestCase(null, "NetworkNamespacePath=/run/netns/vpn\nNetworkNamespacePath=")]
    public void Commands_OfAUnit_AreInTheNamespaceThatSystemdWouldTake(string? place, string lines) =>
        Assert.That(ImportSource.OfText("a.service", $"[Service]\n{lines}\nExecStart={Server}\n").Commands().Single().Place, Is.EqualTo(new NetworkPlace(place, null)));

    [TestCase("PrivateNetwork=yes", "ExecStart=")]
    [TestCase("NetworkNamespacePath=/run/netns/%i", "ExecStart=")]
    [TestCase("JoinsNamespaceOf=vpn@%i.service\nPrivateNetwork=yes", "ExecStart=")]
    [TestCase("JoinsNamespaceOf=a.service b.service\nPrivateNetwork=yes", "ExecStart=")]
    [TestCase("Type=exec", "ExecStart=ip netns exec %i ")]
    public void Import_OfAUnitWhosePlaceCannotBeRead_IsRefused(string lines, string start)
    {
        Assert.That(
            () => new BridgeMaker("vpn").Make([ImportSource.OfText("a.service", $"[Service]\n{lines}\n{start}{Listener}\n")]), Refused("namespace of the listener"));
        Assert.That(
            () => new BridgeMaker(null).Make([ImportSource.OfText("a.service", $"[Service]\n{lines}\n{start}{Server}\n")]), Refused("--namespace NAME"));
    }

    [Test]
    public void Import_OfSeveralListenersToOneSocket_GivesEachABridgeToTheTarget()
    {
        List<BridgeDraft> drafts = Import(null, "socat TCP-LISTEN:80,fork,range=10.0.0.0/8 UNIX:/run/web.sock", "socat TCP-LISTEN:81,fork UNIX:/run/web.sock", InnerLine);

        Assert.That(drafts.Select(draft => (draft.Name, draft.AllowFrom?.ToString(), draft.Target)),
            Is.EqualTo(new[] { ("vpn", "10.0.0.0/8", "127.0.0.1:3000"), ("vpn-2", null, "127.0.0.1:3000") }));
    }

    [TestCase("socat TCP-LISTEN:53,fork UDP:127.0.0.1:53")]
    [TestCase("socat UDP-LISTEN:53,fork TCP:127.0.0.1:53")]
    [TestCase("socat TCP-LISTEN:53,fork UNIX:/run/dns.sock", "socat UNIX-LISTEN:/run/dns.sock,fork UDP:127.0.0.1:53")]
    [TestCase("socat UDP-LISTEN:53,fork UNIX:/run/dns.sock", "socat UNIX-LISTEN:/run/dns.sock,fork TCP:127.0.0.1:53")]
    [TestCase("socat UDP-LISTEN:53,fork UNIX:/run/dns.sock", "socat UNIX-LISTEN:/run/dns.sock,fork UNIX:/run/service.sock")]
    [TestCase("socat UNIX-LISTEN:/run/dns.sock,fork UDP:127.0.0.1:53")]
    [TestCase("socat UDP-LISTEN:53,fork UNIX:/run/dns.sock")]
    public void Import_OfAStreamMadeDatagramsOrTheOtherWay_IsRefused(params string[] sources) =>
        Assert.That(() => Import("vpn", sources), Refused("datagrams"));

    [TestCase("NsBridge:Bridges:0:SocketMode", "socat UNIX-LISTEN:/run/s,mode=4755 TCP:127.0.0.1:80")]
    [TestCase("NsBridge:Bridges:0:Socket", "socat UNIX-LISTEN:s.sock TCP:127.0.0.1:80")]
    [TestCase("NsBridge:Bridges:0:Target", "socat TCP-LISTEN:80 TCP:0.0.0.0:80")]
    [TestCase("NsBridge:Bridges:0:AllowFrom", "socat TCP-LISTEN:80,range=10.0.0.0:255.0.0.0 TCP:127.0.0.1:80")]
    [TestCase("NsBridge:Bridges:1:Listen", "socat TCP-LISTEN:80 TCP:127.0.0.1:80", "socat TCP-LISTEN:80 TCP:127.0.0.1:80")]
    public void RefuseWrong_OfWhatTheDaemonWouldNotTake_NamesItsFaults(string path, params string[] sources) =>
        Assert.That(() => ImportCommand.RefuseWrong(Import("vpn", sources)), Refused(path));

    [TestCase("ls -l", "no socat")]
    [TestCase("socat TCP-LISTEN:3003", "two addresses")]
    [TestCase("socat TCP-LISTEN:3003 TCP:example.org:80", "'example.org' is not an address")]
    [TestCase("socat TCP-LISTEN:80,bind=eth0 TCP:127.0.0.1:80", "'eth0' is not an address")]
    [TestCase("socat TCP-LISTEN:http TCP:127.0.0.1:80", "port 'http' is not a number")]
    [TestCase("socat TCP-LISTEN:80 TCP:127.0.0.1:$PORT", "port '$PORT' is not a number")]
    [TestCase("socat OPEN:/dev/ttyS0 TCP:127.0.0.1:80", "OPEN is not converted")]
    [TestCase("socat TCP-LISTEN:80 SOCKS4A:proxy:host:80", "SOCKS4A is not converted")]
    [TestCase("socat TCP-LISTEN:80 EXEC:'ip netns exec vpn nc 127.0.0.1 80'", "is not a socat")]
    public void Import_OfWhatIsNoBridge_NamesTheReason(string source, string reason) => Assert.That(() => Import("vpn", source), Refused(reason));

    [Test]
    public void Import_OfATargetWithoutANamespace_IsRefusedAndNamesTheCure()
    {
        string[] sources = [OuterLine, Server];

        Assert.That(() => Import(null, sources), Refused("ip netns exec NAME"));
        Assert.That(Import("vpn", sources).Single().Namespace, Is.EqualTo("vpn"));
    }

    [TestCase("script.sh line 3: option 'su=nobody' is not converted", "ip netns exec vpn socat TCP-LISTEN:80,netns=host,fork,su=nobody TCP:127.0.0.1:80")]
    [TestCase("script.sh line 3: option '-T 30' is not converted", "ip netns exec vpn socat -d -T 30 TCP-LISTEN:80,netns=host,fork TCP:127.0.0.1:80")]
    [TestCase("script.sh line 3: option '-u' is not converted", "ip netns exec vpn socat -u -lf /run/log TCP-LISTEN:80,netns=host,fork TCP:127.0.0.1:80")]
    [TestCase("script.sh line 3: option 'connect-timeout=3' is not converted", "ip netns exec vpn socat TCP-LISTEN:80,netns=host,fork TCP:127.0.0.1:80,connect-timeout=3")]
    [TestCase("script.sh line 3: 'pid:42' is lost when the process restarts; 'unit:NAME.service' and 'container:NAME' are followed",
        "nsenter -t 42 -n socat TCP-LISTEN:80,netns=host,fork TCP:127.0.0.1:80")]
    public void Import_OfWhatIsNotConverted_NamesItWithItsLine(string note, string line)
    {
        var maker = new BridgeMaker(null);

        Assert.That(maker.Make([ImportSource.OfText("script.sh", $"#!/bin/sh\n\n{line} &\n")]), Has.Count.EqualTo(1));
        Assert.That(maker.Notes, Is.EqualTo([note]));
    }

    internal static List<BridgeDraft> Import(string? place, params string[] sources) => new BridgeMaker(place).Make([.. sources.Select(ImportSource.Read)]);

    internal static NUnit.Framework.Constraints.Constraint Refused(string piece) =>
        Throws.TypeOf<UserErrorException>().With.Message.Contains(piece).And.Property("ExitCode").EqualTo(64);
}
