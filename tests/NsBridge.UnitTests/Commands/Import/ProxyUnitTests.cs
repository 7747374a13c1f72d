using NsBridge.Commands.Discover;
using NsBridge.Commands.Import;

namespace NsBridge.UnitTests.Commands.Import;

/// <summary>Bridges of systemd-socket-proxyd(8) and the socket unit that starts it.</summary>
internal sealed class ProxyUnitTests
{
    private const string Socket = "[Unit]\nDescription=Door\n\n[Socket]\nListenStream=80\n\n[Install]\nWantedBy=sockets.target\n";

    /// <summary>The second example of its manual page, with a port instead of a path.</summary>
    private const string Service =
        """
        [Unit]
        Requires=nginx.service
        After=nginx.service
        Requires=proxy-to-nginx.socket
        After=proxy-to-nginx.socket
        JoinsNamespaceOf=nginx.service

        [Service]
        Type=notify
        ExecStart=/usr/lib/systemd/systemd-socket-proxyd 127.0.0.1:8080
        PrivateTmp=yes
        PrivateNetwork=yes
        """;

    [TestCase("""{ "Name": "proxy-to-nginx", "Listen": "*:80", "Namespace": "unit:nginx.service", "Target": "127.0.0.1:8080" }""", Socket, Service)]
    [TestCase("""{ "Name": "proxy-to-nginx", "Listen": ["127.0.0.1:80", "[::1]:80"], "Namespace": "vpn", "Target": "localhost:3000" }""",
        "[Socket]\nListenStream=127.0.0.1:80\nListenStream=[::1]:80\n",
        "[Service]\nNetworkNamespacePath=/run/netns/vpn\nExecStart=systemd-socket-proxyd localhost:3000\n")]
    [TestCase("""{ "Name": "proxy-to-nginx", "Listen": "[::]:81", "MaxConnections": "512", "Namespace": "vpn", "Target": "[::1]:80" }""",
        "[Socket]\nListenStream=80\nListenStream=\nListenStream=[::]:81\nBindIPv6Only=ipv6-only\n",
        "[Service]\nNetworkNamespacePath=/run/netns/vpn\nExecStart=/lib/systemd/systemd-socket-proxyd --connections-max=512 [::1]:80\n")]
    [TestCase("""{ "Name": "proxy-to-nginx", "Listen": "*:80", "Socket": "/run/web.sock", "SocketMode": "0660", "SocketGroup": "root", "Namespace": "vpn", "Target": "unix:/run/app.sock" }""",
        "[Socket]\nListenStream=80\nListenStream=/run/web.sock\nSocketMode=0660\nSocketGroup=root\n",
        "[Service]\nNetworkNamespacePath=/run/netns/vpn\nExecStart=systemd-socket-proxyd /run/app.sock\n")]
    [TestCase("""{ "Name": "proxy-to-nginx", "Socket": "/run/web.sock", "SocketMode": "0666", "Namespace": "vpn", "Target": "127.0.0.1:80" }""",
        "[Socket]\nListenStream=/run/web.sock\n", "[Service]\nNetworkNamespacePath=/run/netns/vpn\nExecStart=systemd-socket-proxyd 127.0.0.1\n")]
    [TestCase("""{ "Name": "proxy-to-nginx", "Listen": "*:80", "ListenNamespace": "vpn", "Namespace": "host", "Target": "127.0.0.1:80" }""",
        "[Socket]\nListenStream=80\nNetworkNamespacePath=/run/netns/vpn\n", "[Service]\nNetworkNamespacePath=host\nExecStart=systemd-socket-proxyd 127.0.0.1:80\n")]
    public void Import_OfASocketAndItsProxy_GivesABridgeThatIsAccepted(string entry, string socket, string service)
    {
        List<BridgeDraft> drafts = Make(null, out IEnumerable<string> notes, ("proxy-to-nginx.socket", socket), ("proxy-to-nginx.service", service));

        Assert.That(drafts.Select(draft => draft.ToJson()), Is.EqualTo([entry]));
        Assert.That(notes, Is.Empty);
        ImportCommand.RefuseWrong(drafts);
    }

    [Test]
    public void Import_OfSeveralPairs_JoinsEachByItsName()
    {
        List<BridgeDraft> drafts = Make(null, out _, ("a.socket", "[Socket]\nListenStream=81\n"), ("b.socket", "[Socket]\nListenStream=82\nService=c.service\n"),
            ("c.service", "[Service]\nNetworkNamespacePath=/run/netns/c\nExecStart=systemd-socket-proxyd 127.0.0.1:2\n"),
            ("a.service", "[Service]\nNetworkNamespacePath=/run/netns/a\nExecStart=systemd-socket-proxyd 127.0.0.1:1\n"));

        Assert.That(drafts.Select(draft => (draft.Name, draft.Listen?[0], draft.Namespace, draft.Target)),
            Is.EqualTo(new[] { ("c", "*:82", "c", "127.0.0.1:2"), ("a", "*:81", "a", "127.0.0.1:1") }));
    }

    [Test]
    public void Import_OfKeysAndOptionsThatABridgeHasNoKeyFor_NamesEachWithItsLine()
    {
        Make(null, out IEnumerable<string> notes, ("a.socket", "[Socket]\nListenStream=80\nBindToDevice=eth0\nBacklog=9\nListenDatagram=53\n"),
            ("a.service", "[Service]\nNetworkNamespacePath=/run/netns/vpn\nIPAddressDeny=any\nExecStart=systemd-socket-proxyd --exit-idle-time=5min 127.0.0.1:80\n"));

        Assert.That(notes, Is.EqualTo(new[]
        {
            "a.service line 4: option '--exit-idle-time=5min' is not converted", "a.socket line 3: option 'BindToDevice=eth0' is not converted",
            "a.socket line 5: option 'ListenDatagram=53' is not converted", "a.service line 3: option 'IPAddressDeny=any' is not converted",
        }));
    }

    [TestCase("give a.service too", Socket, null)]
    [TestCase("give a.socket too", null, Service)]
    [TestCase("no ListenStream=", "[Socket]\nListenDatagram=53\n", Service)]
    [TestCase("'vsock:2' is not an address", "[Socket]\nListenStream=vsock:2:80\n", Service)]
    [TestCase("is not an address", "[Socket]\nListenStream=@door\n", Service)]
    [TestCase("port '%i' is not a number", "[Socket]\nListenStream=127.0.0.1:%i\n", Service)]
    [TestCase("--namespace NAME", Socket, "[Service]\nExecStart=systemd-socket-proxyd 127.0.0.1:80\n")]
    [TestCase("namespace of the target cannot be read from 'PrivateNetwork=yes'", Socket, "[Service]\nPrivateNetwork=yes\nExecStart=systemd-socket-proxyd 127.0.0.1:80\n")]
    [TestCase("namespace of the listener cannot be read", "[Socket]\nListenStream=80\nPrivateNetwork=yes\n", Service)]
    [TestCase("'example.org' is not an address", Socket, "[Service]\nNetworkNamespacePath=/run/netns/a\nExecStart=systemd-socket-proxyd example.org:80\n")]
    [TestCase("takes one target", Socket, "[Service]\nNetworkNamespacePath=/run/netns/a\nExecStart=systemd-socket-proxyd -c 9 127.0.0.1:80\n")]
    public void Import_OfAProxyThatCannotBeRead_NamesTheReason(string reason, string? socket, string? service)
    {
        (string, string)[] sources = [.. socket is null ? [] : new[] { ("a.socket", socket) }, .. service is null ? [] : new[] { ("a.service", service) }];

        Assert.That(() => Make(null, out _, sources), ImportTests.Refused(reason));
    }

    private static List<BridgeDraft> Make(string? place, out IEnumerable<string> notes, params (string Name, string Text)[] sources)
    {
        var maker = new BridgeMaker(place);
        notes = maker.Notes;
        return maker.Make([.. sources.Select(source => ImportSource.OfText(source.Name, source.Text))]);
    }
}
