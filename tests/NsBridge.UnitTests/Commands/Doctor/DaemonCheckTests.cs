using NsBridge.Bridges;
using NsBridge.Commands.Doctor;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Control;
using NsBridge.Fixtures;
using NsBridge.Linux;

namespace NsBridge.UnitTests.Commands.Doctor;

/// <summary>What the daemon reports gets the cure of its reason code.</summary>
internal sealed class DaemonCheckTests
{
    [TestCase(nameof(ReasonCode.NamespaceForbidden), "pid:1", "/examples/enter-processes.conf /etc/systemd/system/nsbridge.service.d/")]
    [TestCase(nameof(ReasonCode.NamespaceForbidden), "vpn", "AmbientCapabilities=CAP_SYS_ADMIN CapabilityBoundingSet=CAP_SYS_ADMIN")]
    [TestCase(nameof(ReasonCode.SourceAddressForbidden), "vpn", "/examples/client-address.conf /e")]
    [TestCase(nameof(ReasonCode.ListenerForbidden), "vpn", "AmbientCapabilities=CAP_NET_BIND_SERVICE")]
    [TestCase(nameof(ReasonCode.SocketGroupForbidden), "vpn", "sed 's/www-data/33/' ")]
    [TestCase(nameof(ReasonCode.SocketReadOnly), "vpn", "ReadWritePaths=/srv")]
    [TestCase(nameof(ReasonCode.JoinForbidden), "vpn", "SupplementaryGroups=")]
    [TestCase(nameof(ReasonCode.LocatorForbidden), "container:web", "")]
    [TestCase(nameof(ReasonCode.Starting), "vpn", "systemctl cat nsbridge")]
    public void Probe_ReasonCode_NamesTheCure(string code, string place, string cure)
    {
        InspectedBridge bridge = Bridge(
            $""" "Name":"web", "Namespace":"{place}", "Target":"127.0.0.1:3000", "Socket":"/srv/x.sock", "SocketGroup":"33" """,
            new BridgeReport { Name = "web", State = BridgeState.Failed, ReasonCode = Enum.Parse<ReasonCode>(code), Reason = "words that no cure depends on" });

        CheckResult result = DaemonCheck.Probe(bridge, isComplete: true);

        Assert.That(result.State, Is.EqualTo(CheckState.Broken));
        Assert.That(result.Cure, Does.Contain(cure));
        if (result.Cure!.Contains("service.d", StringComparison.Ordinal))
            Assert.That(result.Cure, Does.StartWith("mkdir -p /etc/systemd/system/nsbridge.service.d && ").And.EndsWith("systemctl daemon-reload && systemctl restart nsbridge"));
    }

    [Test]
    public void ProbeVersion_OfAnotherEntry_NamesTheUnitsEnvironment()
    {
        InspectedBridge bridge = Bridge(
            """ "Name":"web", "Namespace":"host", "Target":"127.0.0.1:3000" """, new BridgeReport { Name = "web", State = BridgeState.Up, Target = "127.0.0.1:1" });

        Assert.That(DaemonCheck.ProbeVersion(bridge)?.Cure, Does.Contain("NsBridge__").And.Contain("systemctl cat nsbridge"));
    }

    private static InspectedBridge Bridge(string json, BridgeReport report)
    {
        DaemonSettings settings = LoadedText.Right(json);
        var here = new ResolvedNamespace(NamespaceReference.Host, NetworkNamespace.Own, null, "");
        var daemon = new DaemonAnswer(new StatusDocument("1", 1, null, [BridgeStatus.Of(report)]));
        return new InspectedBridge(settings.Bridges[0], here, here, daemon, new SocketSnapshot(), settings.RuntimeDirectory);
    }
}
