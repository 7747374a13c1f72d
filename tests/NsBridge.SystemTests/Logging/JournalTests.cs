using System.Text.Json.Nodes;
using NsBridge.SystemTests.Machine;
using NsBridge.Testing;

namespace NsBridge.SystemTests.Logging;

/// <summary>What `journalctl -u nsbridge` can be asked.</summary>
[Promise("log")]
internal sealed class JournalTests : ServiceFixture
{
    [Test]
    public async Task Entries_Daemon_AreNativeWithPriorityAndIdentity()
    {
        await Service.RestartWithAsync(Waiting("web"));
        await Service.BecomesAsync("web", "waiting");
        List<JsonNode> entries = await EntriesAsync("_TRANSPORT=journal SYSLOG_IDENTIFIER=nsbridge");
        Assert.That(entries, Is.Not.Empty);
        foreach (JsonNode entry in entries)
        {
            Assert.That((string?)entry["PRIORITY"], Does.Match("^[2-7]$"), entry.ToJsonString());
            Assert.That((string?)entry["CODE_FUNC"], Is.Not.Empty, entry.ToJsonString());
            Assert.That((string?)entry["EVENT_ID"], Does.Match(@"^\d+$"), entry.ToJsonString());
        }
    }

    [Test]
    public async Task Entries_AboutABridge_AreFoundByItsName()
    {
        await Service.RestartWithAsync(Waiting("first"), Waiting("second"));
        await Service.BecomesAsync("first", "waiting");
        await Service.BecomesAsync("second", "waiting");
        List<JsonNode> entries = await EntriesAsync("BRIDGE=first");
        Assert.That(entries, Is.Not.Empty);
        Assert.That(entries.Select(entry => (string?)entry["MESSAGE"]), Has.None.Contains("second"));
    }

    [Test]
    public async Task Entries_Daemon_NothingByWayOfStandardError()
    {
        await Service.RestartWithAsync(Waiting("web"));
        await Service.BecomesAsync("web", "waiting");
        await Machine.CheckAsync("systemctl stop nsbridge");
        Assert.That(await EntriesAsync("_TRANSPORT=stdout"), Is.Empty);
    }

    private static BridgeEntry Waiting(string name) =>
        new(name) { Namespace = TargetNamespace.FreshName(), Target = "127.0.0.1:3000" };

    /// <summary>Entries of the unit's last invocation.</summary>
    private async Task<List<JsonNode>> EntriesAsync(string matches)
    {
        string invocation = await Service.PropertyAsync("InvocationID");
        string lines = await Machine.CheckAsync(
            $"journalctl --sync; journalctl --no-pager --output=json _SYSTEMD_INVOCATION_ID={invocation} {matches}");
        return [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
    }
}
