using System.Text.RegularExpressions;
using NsBridge.Bridges;
using NsBridge.Bridges.Lifecycle;
using NsBridge.Fixtures;
using NsBridge.Systemd;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

internal sealed class BridgeStateTests
{
    [TestCase(""" "Name":"web", "Listen":"127.0.0.1:3003", "Namespace":"host", "Target":"127.0.0.1:3000" """)]
    [TestCase(""" "Name":"web", "Listen":"127.0.0.1:3003" """)]
    [TestCase(""" "Name":"web", "Namespace":"host", "Target":"127.0.0.1:3000" """)]
    public void State_BeforeAnythingIsBound_IsNotUp(string entry)
    {
        using var sockets = ActivationSockets.Adopt([]);
        using var parts = new BridgeParts(sockets);
        using Bridge bridge = parts.Factory.Create(LoadedText.Right(entry).Bridges[0]);

        Assert.That(bridge.Report().State, Is.EqualTo(BridgeState.Waiting));
        Assert.That(bridge.Report().ReasonCode, Is.EqualTo(ReasonCode.Starting));
    }

    [Test]
    [Promise("status.json")]
    public void ReasonCode_EachOne_IsInTheListOfTheManual()
    {
        string manual = File.ReadAllText(Path.Combine(Repository.Root, "deploy/man/nsbridge.8"));
        Match list = Regex.Match(manual, @"^\.I reasonCode\nis one of$(.*?)^\.SH", RegexOptions.Multiline | RegexOptions.Singleline);

        Assert.That(
            Regex.Matches(list.Value, @"^\.B (\S+)$", RegexOptions.Multiline)
                .Select(word => word.Groups[1].Value.Replace("\\-", "-", StringComparison.Ordinal)),
            Is.EquivalentTo(Enum.GetValues<ReasonCode>().Select(code => code.Word)));
        Assert.That(ReasonCode.SocketGroupForbidden.Word, Is.EqualTo("socket-group-forbidden"));
    }
}
