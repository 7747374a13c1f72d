using NsBridge.Base;
using NsBridge.Commands.Discover;
using NsBridge.Commands.Import;
using NsBridge.Configuration.Reading;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Commands.Import;

public class ImportTests
{
    private const string OuterLine = "socat TCP-LISTEN:3003,fork,reuseaddr UNIX-CONNECT:/run/web.sock";
    private const string InnerLine = "sudo ip netns exec vpn socat -d -d UNIX-LISTEN:/run/web.sock,fork TCP:127.0.0.1:3000";

    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:3003", "Namespace": "vpn", "Target": "127.0.0.1:3000" }""", OuterLine, InnerLine)]
    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:3003", "Namespace": "vpn", "Target": "127.0.0.1:3000" }""", OuterLine + " & " + InnerLine)]
    [TestCase("""{ "Name": "vpn", "Listen": "127.0.0.1:80", "Namespace": "vpn", "Target": "127.0.0.1:3000" }""",
        """socat TCP4-LISTEN:80,bind=127.0.0.1,fork EXEC:'ip netns exec vpn socat STDIO TCP\:127.0.0.1\:3000',nofork""")]
    [TestCase("""{ "Name": "vpn", "Listen": "127.0.0.1:80", "Namespace": "vpn", "Target": "127.0.0.1:3000" }""",
        """socat tcp-l:80,bind=localhost,fork 'SYSTEM:"ip netns exec vpn nc 127.0.0.1 3000"'""")]
    [TestCase("""{ "Name": "net", "Listen": "[::]:80", "AllowFrom": "10.0.0.0/8", "Namespace": "/proc/7/ns/net", "Target": "[::1]:8080" }""",
        "nsenter --net=/proc/7/ns/net socat TCP6-LISTEN:80,netns=host,fork,range=10.0.0.0/8 TCP6:[::1]:8080")]
    [TestCase("""{ "Name": "42", "Protocol": "udp", "Listen": "0.0.0.0:53", "Namespace": "pid:42", "Target": "127.0.0.1:53" }""",
        "socat UDP-LISTEN:53,fork EXEC:'nsenter -t 42 -n socat - UDP:127.0.0.1:53'")]
    [TestCase("""{ "Name": "web", "Listen": "0.0.0.0:3003", "Socket": "/run/web.sock" }""", OuterLine)]
    [TestCase("""{ "Name": "web", "Socket": "/run/web.sock", "SocketMode": "0660", "Namespace": "vpn", "Target": "unix:@app" }""",
        "nsenter --net=/run/netns/vpn socat UNIX-LISTEN:/run/web.sock,mode=660,fork ABSTRACT-CONNECT:app")]
    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:3003", "AllowFrom": "10.0.0.0/8", "MaxConnections": "9", "SocketMode": "0660", "SocketGroup": "root", "Namespace": "vpn", "Target": "127.0.0.1:3000" }""",
        "socat TCP-LISTEN:3003,fork,range=10.0.0.0:255.0.0.0,max-children=9 UNIX:/run/web.sock",
        "ip netns exec vpn socat UNIX-LISTEN:/run/web.sock,fork,perm=0660,group=root TCP:127.0.0.1:3000")]
    [TestCase("""{ "Name": "vpn", "Protocol": "udp", "Listen": "0.0.0.0:53", "Namespace": "vpn", "Target": "127.0.0.1:53" }""",
        "socat UDP-LISTEN:53,fork UNIX:/run/dns.sock", "ip netns exec vpn socat UNIX-LISTEN:/run/dns.sock,fork UDP:127.0.0.1:53")]
    [TestCase("""{ "Name": "vpn", "Protocol": "udp", "Listen": "0.0.0.0:53", "Namespace": "vpn", "Target": "127.0.0.1:53" }""",
        "socat UDP-LISTEN:53,fork EXEC:'ip netns exec vpn nc -nu 127.0.0.1 53'")]
    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:80", "AllowFrom": "10.0.0.0/8", "Namespace": "vpn", "Target": "127.0.0.1:80" }""",
        "ip netns exec vpn socat TCP-LISTEN:80,netns=host,fork,range=10.1.2.3/8 TCP:127.0.0.1:80")]
    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:80", "AllowFrom": "10.1.0.0/16", "Namespace": "vpn", "Target": "127.0.0.1:80" }""",
        "ip netns exec vpn socat TCP-LISTEN:80,netns=host,fork,range=10.1.2.3:255.255.0.0 TCP:127.0.0.1:80")]
    [TestCase("""{ "Name": "vpn", "Listen": "[::]:80", "AllowFrom": "fd00::/8", "Namespace": "vpn", "Target": "127.0.0.1:80" }""",
        "ip netns exec vpn socat TCP6-LISTEN:80,netns=host,fork,range=[fd00::1]/8 TCP:127.0.0.1:80")]
    [TestCase("""{ "Name": "web", "Socket": "/run/web.sock", "SocketMode": "0660", "Namespace": "vpn", "Target": "127.0.0.1:80" }""",
        "ip netns exec vpn socat UNIX-LISTEN:/run/web.sock,mode=00660,fork TCP:127.0.0.1:80")]
    [TestCase("""{ "Name": "vpn", "Listen": ["127.0.0.1:80", "[::1]:80"], "SocketMode": "0660", "Namespace": "vpn", "Target": "127.0.0.1:3000" }""",
        "socat TCP4-LISTEN:80,bind=127.0.0.1,fork UNIX:/run/web.sock", "socat TCP6-LISTEN:80,bind=[::1],fork UNIX:/run/web.sock",
        "ip netns exec vpn socat UNIX-LISTEN:/run/web.sock,mode=660,fork TCP:127.0.0.1:3000")]
    [TestCase("""{ "Name": "web", "Listen": ["127.0.0.1:80", "[::1]:80"], "Socket": "/run/web.sock" }""",
        "socat TCP4-LISTEN:80,bind=127.0.0.1,fork UNIX:/run/web.sock", "socat TCP6-LISTEN:80,bind=[::1],fork UNIX:/run/web.sock")]
    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:80", "Namespace": "vpn", "Target": "127.0.0.1:3000", "IdleTimeout": "00:00:30" }""",
        "socat -T 90 TCP-LISTEN:80,fork UNIX:/run/web.sock", "ip netns exec vpn socat -T30 UNIX-LISTEN:/run/web.sock,fork TCP:127.0.0.1:3000")]
    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:80", "Namespace": "vpn", "Target": "127.0.0.1:3000", "IdleTimeout": "1.00:00:00.5000000" }""",
        "socat TCP-LISTEN:80,fork EXEC:'ip netns exec vpn socat -T 86400.5 - TCP:127.0.0.1:3000'")]
    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:80", "Namespace": "vpn", "Target": "127.0.0.1:3000" }""",
        "ip netns exec vpn socat -T 0 TCP-LISTEN:80,netns=host,fork TCP:127.0.0.1:3000")]
    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:80", "Namespace": "vpn", "Target": "127.0.0.1:3000", "ConnectTimeout": "00:00:03" }""",
        "ip netns exec vpn socat TCP-LISTEN:80,netns=host,fork TCP:127.0.0.1:3000,connect-timeout=3")]
    [TestCase("""{ "Name": "web", "Socket": "/run/web.sock", "Namespace": "vpn", "Target": "127.0.0.1:3000", "ConnectTimeout": "00:00:03", "IdleTimeout": "00:01:00" }""",
        "ip netns exec vpn socat -lm -T 60 UNIX-LISTEN:/run/web.sock,fork TCP:127.0.0.1:3000,connect-timeout=3")]
    [TestCase("""{ "Name": "vpn", "Listen": "[fe80::2%nsbt0]:80", "Namespace": "vpn", "Target": "[fe80::1%nsbt0]:3000" }""",
        "ip netns exec vpn socat TCP6-LISTEN:80,bind=[fe80::2%nsbt0],netns=host,fork TCP6:[fe80::1%nsbt0]:3000")]
    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:80", "Namespace": "vpn", "Target": "[fe80::1%lo]:3000" }""",
        "ip netns exec vpn socat TCP-LISTEN:80,netns=host,fork TCP6:[fe80::1%lo]:3000")]
    [TestCase("""{ "Name": "vpn", "Listen": "0.0.0.0:80", "Namespace": "vpn", "Target": "127.0.0.1:3000" }""",
        "ip netns exec vpn socat TCP-LISTEN:80,netns=host,fork TCP:127.1:3000")]
    public void Import_OfSocats_GivesABridgeThatIsAccepted(string entry, params string[] sources)
    {
        List<BridgeDraft> drafts = new SocatPairs(null, []).Join([.. sources.SelectMany(SourceReader.Read)]);

        Assert.That(drafts.Select(draft => draft.ToJson().Replace("\"ListenNamespace\": \"host\", ", "", StringComparison.Ordinal)), Is.EqualTo([entry]));
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("appsettings.json", $$"""{ "NsBridge": { "Bridges": {{DraftText.Of(drafts)}} } }""");
        Assert.That(new ConfigurationLoader(file, new Dictionary<string, string>()).Load().FaultText, Is.Empty);
    }

    [Test]
    public void Import_OfUnitFiles_FollowsTheirNamespace()
    {
        List<SocatCommand> inner = SourceReader.ReadFile(
            """
            [Service]
            # ExecStart=/usr/bin/socat A B
            NetworkNamespacePath=/run/netns/vpn
            ExecStart=-/usr/bin/socat UNIX-LISTEN:/run/web.sock,fork \
                TCP:localhost:3000
            """);
        List<SocatCommand> outer = SourceReader.ReadFile("[Service]\nExecStart=/usr/bin/socat TCP-LISTEN:3003,fork UNIX:/run/web.sock\n");

        Assert.That(new SocatPairs(null, []).Join([.. inner, .. outer]).Single().ToJson(),
            Is.EqualTo("""{ "Name": "vpn", "Listen": "0.0.0.0:3003", "Namespace": "vpn", "Target": "localhost:3000" }"""));
    }

    [TestCase("AllowFrom", ",range=10.0.0.0/8", "")]
    [TestCase("ListenNamespace", ",netns=other", "")]
    [TestCase("MaxConnections", ",max-children=5", ",max-children=5")]
    public void Import_OfSeveralListenersToOneSocketThatDoNotAgree_GivesEachABridgeToTheTarget(string key, string first, string second)
    {
        string[] sources = [$"socat TCP-LISTEN:80,fork{first} UNIX:/run/web.sock", $"socat TCP-LISTEN:81,fork{second} UNIX:/run/web.sock", InnerLine];

        List<BridgeDraft> drafts = new SocatPairs(null, []).Join([.. sources.SelectMany(SourceReader.Read)]);

        Assert.That(drafts.Select(draft => draft.Name), Is.EqualTo(["vpn", "vpn-2"]));
        Assert.That(drafts.Select(draft => draft.Target), Has.All.EqualTo("127.0.0.1:3000"));
        Assert.That(drafts[0].ToJson(), Does.Contain(key));
    }

    [Test]
    public void Import_OfSeveralListenersToOneSocket_TellsTheOptionsOfItsServerOnce()
    {
        var notes = new List<string>();
        string[] sources = ["socat TCP-LISTEN:80,fork UNIX:/run/web.sock", "socat TCP-LISTEN:81,fork UNIX:/run/web.sock", InnerLine + ",bind=127.0.0.9"];

        new SocatPairs(null, notes).Join([.. sources.SelectMany(SourceReader.Read)]);

        Assert.That(notes, Is.EqualTo(["TCP: 'bind=127.0.0.9' is left out, a bridge has no key for it"]));
    }

    [TestCase("vpn", "NetworkNamespacePath=\"/run/netns/vpn\"")]
    [TestCase("unit:vpn.service", "JoinsNamespaceOf=vpn.service\nPrivateNetwork=yes")]
    [TestCase("vpn", "JoinsNamespaceOf=vpn.service\nPrivateNetwork=yes\nNetworkNamespacePath=/run/netns/vpn")]
    [TestCase(null, "JoinsNamespaceOf=vpn.service\nPrivateTmp=yes")]
    [TestCase(null, "JoinsNamespaceOf=vpn.service\nPrivateNetwork=yes\nPrivateNetwork=no")]
    [TestCase(null, "NetworkNamespacePath=/run/netns/vpn\nNetworkNamespacePath=")]
    public void ReadFile_OfAUnit_TakesTheNamespaceThatSystemdWould(string? place, string lines) =>
        Assert.That(SourceReader.ReadFile($"[Service]\n{lines}\nExecStart=socat UNIX-LISTEN:/run/web.sock TCP:127.0.0.1:80\n").Single().Place.Namespace, Is.EqualTo(place));

    [Test]
    public void ReadFile_OfAUnitWithACommentWithinACommand_ReadsOn()
    {
        SocatCommand command = SourceReader.ReadFile("[Service]\nExecStart=socat \\\n UNIX-LISTEN:/run/web.sock \\\n# why\n; and why\n TCP:127.0.0.1:80\n# end\n").Single();

        Assert.That((command.From.Keyword, command.To.Keyword), Is.EqualTo(("UNIX-LISTEN", "TCP")));
    }

    [TestCase("socat TCP-LISTEN:53,fork UDP:127.0.0.1:53")]
    [TestCase("socat UDP-LISTEN:53,fork TCP:127.0.0.1:53")]
    [TestCase("socat UDP-LISTEN:53,fork EXEC:'nc 127.0.0.1 53'")]
    [TestCase("socat TCP-LISTEN:53,fork EXEC:'nc -u 127.0.0.1 53'")]
    [TestCase("socat TCP-LISTEN:53,fork UNIX:/run/dns.sock", "socat UNIX-LISTEN:/run/dns.sock,fork UDP:127.0.0.1:53")]
    [TestCase("socat UDP-LISTEN:53,fork UNIX:/run/dns.sock", "socat UNIX-LISTEN:/run/dns.sock,fork TCP:127.0.0.1:53")]
    [TestCase("socat UDP-LISTEN:53,fork UNIX:/run/dns.sock", "socat UNIX-LISTEN:/run/dns.sock,fork UNIX:/run/service.sock")]
    [TestCase("socat UNIX-LISTEN:/run/dns.sock,fork UDP:127.0.0.1:53")]
    [TestCase("socat UDP-LISTEN:53,fork UNIX:/run/dns.sock")]
    public void Import_OfAStreamMadeDatagramsOrTheOtherWay_SaysWhyNot(params string[] sources) =>
        Assert.That(
            () => new SocatPairs("vpn", []).Join([.. sources.SelectMany(SourceReader.Read)]),
            Throws.TypeOf<UserErrorException>().With.Message.Contains("datagrams").And.Property("ExitCode").EqualTo(64));

    [TestCase("NsBridge:Bridges:0:SocketMode", "socat UNIX-LISTEN:/run/s,mode=4755 TCP:127.0.0.1:80")]
    [TestCase("NsBridge:Bridges:0:Socket", "socat UNIX-LISTEN:s.sock TCP:127.0.0.1:80")]
    [TestCase("NsBridge:Bridges:0:Target", "socat TCP-LISTEN:80 TCP:0.0.0.0:80")]
    [TestCase("NsBridge:Bridges:1:Listen", "socat TCP-LISTEN:80 TCP:127.0.0.1:80", "socat TCP-LISTEN:80 TCP:127.0.0.1:80")]
    public void RefuseWrong_OfWhatTheDaemonWouldNotTake_SaysItsFaults(string path, params string[] sources)
    {
        List<BridgeDraft> drafts = new SocatPairs("vpn", []).Join([.. sources.SelectMany(SourceReader.Read)]);

        Assert.That(() => ImportCommand.RefuseWrong(drafts), Throws.TypeOf<UserErrorException>().With.Message.Contains(path).And.Property("ExitCode").EqualTo(64));
    }

    [TestCase("ls -l")]
    [TestCase("socat TCP-LISTEN:3003")]
    [TestCase("socat TCP-LISTEN:3003 TCP:example.org:80")]
    [TestCase("socat TCP-LISTEN:http TCP:127.0.0.1:80")]
    [TestCase("socat OPEN:/dev/ttyS0 TCP:127.0.0.1:80")]
    public void Import_OfWhatIsNoBridge_SaysWhy(string source) =>
        Assert.That(() => new SocatPairs(null, []).Join(SourceReader.Read(source)), Throws.TypeOf<UserErrorException>().With.Property("ExitCode").EqualTo(64));

    [Test]
    public void Import_OfATargetWhosePlaceIsNotSaid_IsRefusedAndSaysHow()
    {
        string[] sources = [OuterLine, "socat UNIX-LISTEN:/run/web.sock,fork TCP:127.0.0.1:3000"];

        Assert.That(
            () => new SocatPairs(null, []).Join([.. sources.SelectMany(SourceReader.Read)]),
            Throws.TypeOf<UserErrorException>().With.Message.Contains("ip netns exec NAME").And.Message.Contains("--namespace NAME").And.Property("ExitCode").EqualTo(64));
        Assert.That(new SocatPairs("vpn", []).Join([.. sources.SelectMany(SourceReader.Read)]).Single().Namespace, Is.EqualTo("vpn"));
    }

    [Test]
    public void Import_OfOptionsThatABridgeHasNoKeyFor_TellsEach()
    {
        var notes = new List<string>();

        new SocatPairs(null, notes).Join(SourceReader.Read("ip netns exec vpn socat UNIX-LISTEN:/run/web.sock,fork,user=www,mode=660 TCP:127.0.0.1:3000,bind=127.0.0.9"));

        Assert.That(notes, Has.Count.EqualTo(2));
        Assert.That(notes, Has.Some.Contains("user=www").And.Some.Contains("bind=127.0.0.9"));
    }

    [TestCase("'-u'", "socat -u")]
    [TestCase("'-U'", "socat -d -d -U -b 8192")]
    [TestCase("'-t 5'", "socat -lf /run/log -t 5")]
    [TestCase("'-t5'", "socat -t5 -4")]
    [TestCase("'-6'", "socat -ly -6")]
    [TestCase("'-L /run/lock'", "socat -L /run/lock")]
    public void Import_OfOptionsOfSocatItself_TellsThoseThatABridgeHasNoKeyFor(string told, string socat)
    {
        var notes = new List<string>();

        new SocatPairs("vpn", notes).Join(SourceReader.Read($"{socat} TCP-LISTEN:80,fork TCP:127.0.0.1:80"));

        Assert.That(notes, Is.EqualTo([$"socat: {told} is left out, a bridge has no key for it"]));
    }

    [TestCase("-T x", "TCP:127.0.0.1:80")]
    [TestCase("-T -1", "TCP:127.0.0.1:80")]
    [TestCase("-T 1e300", "TCP:127.0.0.1:80")]
    [TestCase("-d", "TCP:127.0.0.1:80,connect-timeout=soon")]
    public void Import_OfATimeThatIsNoNumberOfSeconds_SaysWhy(string option, string target) =>
        Assert.That(
            () => new SocatPairs("vpn", []).Join(SourceReader.Read($"socat {option} TCP-LISTEN:80,fork {target}")),
            Throws.TypeOf<UserErrorException>().With.Message.Contains("number of seconds").And.Property("ExitCode").EqualTo(64));

    [Test]
    public void Import_OfAFileThatIsNotThere_SaysThat() =>
        Assert.That(() => SourceReader.Read("missing.service"), Throws.TypeOf<UserErrorException>().With.Message.EqualTo("there is no file 'missing.service'"));

    [TestCase("10.0.0.0:255.0.255.0")]
    [TestCase("10.0.0.0/33")]
    [TestCase("host/8")]
    [TestCase("host:255.0.0.0")]
    public void Import_OfARangeThatIsNoNetwork_SaysWhy(string range) =>
        Assert.That(
            () => new SocatPairs("vpn", []).Join(SourceReader.Read($"socat TCP-LISTEN:80,range={range} TCP:127.0.0.1:80")),
            Throws.TypeOf<UserErrorException>().With.Message.Contains(range));
}
