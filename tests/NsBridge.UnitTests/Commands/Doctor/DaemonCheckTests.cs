using NsBridge.Bridges;
using NsBridge.Commands.Doctor;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.Control;
using NsBridge.Fixtures;
using NsBridge.Linux;

namespace NsBridge.UnitTests.Commands.Doctor;

/// <summary>What ails the daemon alone is told with its own cure.</summary>
internal sealed class DaemonCheckTests
{
    [TestCase("cannot enter network namespace container web: EPERM - needs CAP_SYS_ADMIN and CAP_SYS_PTRACE", "enter-processes.conf")]
    [TestCase("/run/nsbridge/web.sock: cannot give it to group 33 (the daemon has to be a member): EPERM", "socket-group.conf")]
    [TestCase("/srv/x.sock: cannot make it: EROFS", "ReadWritePaths=/srv")]
    [TestCase("/run/php/php-fpm.sock may not be used by the daemon's user (EACCES)", "SupplementaryGroups=")]
    [TestCase("cannot find container web: Docker at /run/docker.sock: this user may not ask it (EACCES)", "SupplementaryGroups=docker")]
    [TestCase("it is about to listen", "systemctl cat nsbridge")]
    public void Look_DaemonAloneIsHindered_NamesTheCure(string reason, string cure)
    {
        DaemonSettings settings = LoadedText.Right(""" "Name":"web", "Namespace":"vpn", "Target":"127.0.0.1:3000", "Socket":"/srv/x.sock" """);
        var here = new ResolvedNamespace(NamespaceReference.Host, NetworkNamespace.Own, null, "");
        var status = BridgeStatus.Of(new BridgeReport { Name = "web", State = BridgeState.Failed, Reason = reason });

        CheckResult link = DaemonCheck.Look(new InspectedBridge(settings.Bridges[0], here, here, new StatusDocument("1", 1, null, [status]), null, settings.RuntimeDirectory));

        Assert.That(link.State, Is.EqualTo(CheckState.Broken));
        Assert.That(link.Cure, Does.Contain(cure));
    }

    [Test]
    public void Look_DaemonHasAnotherEntry_TellsOfItsEnvironment()
    {
        DaemonSettings settings = LoadedText.Right(""" "Name":"web", "Namespace":"host", "Target":"127.0.0.1:3000" """);
        var here = new ResolvedNamespace(NamespaceReference.Host, NetworkNamespace.Own, null, "");
        var status = BridgeStatus.Of(new BridgeReport { Name = "web", State = BridgeState.Up, Target = "127.0.0.1:1" });

        CheckResult? link = VersionCheck.Look(new InspectedBridge(settings.Bridges[0], here, here, new StatusDocument("1", 1, null, [status]), null, settings.RuntimeDirectory));

        Assert.That(link?.Cure, Does.Contain("NsBridge__").And.Contain("systemctl cat nsbridge"));
    }
}
