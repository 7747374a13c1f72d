using NsBridge.Base;
using NsBridge.Bridges;
using NsBridge.Commands.Status;
using NsBridge.Control;
using NsBridge.Fixtures;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Commands.Status;

public class StatusTableTests
{
    private static readonly BridgeReport s_waiting = Reports.Web with
    {
        Name = "mail",
        State = BridgeState.Waiting,
        Reason = "network namespace vpn does not exist",
        LastFailure = null,
        Active = 0,
        Total = 0,
        Refused = 0,
        Failed = 0,
        BytesToClient = 0,
    };

    [Test]
    public void Lines_OfTwoBridges_ShowTheirFactsAndTheReasonBelow()
    {
        List<string> lines = new StatusTable(new LaterClock(), colours: false).Lines(Sample(0, Reports.Web, s_waiting), null);

        Assert.That(lines, Is.EqualTo(new[]
        {
            "nsbridge 1.2.3, pid 42: 2 bridges, 1 up, 1 waiting",
            "",
            "BRIDGE  STATE    LISTEN        NETNS  TARGET          OPEN TOTAL       IN      OUT",
            "web     up       0.0.0.0:3003  vpn    127.0.0.1:3000     3   120 1.43 MiB 3.00 GiB",
            "        last failure 12 s ago: ECONNREFUSED; 14 clients",
            "        clients: 2 refused, 5 failed",
            "mail    waiting  0.0.0.0:3003  vpn    127.0.0.1:3000     0     0 1.43 MiB      0 B",
            "        network namespace vpn does not exist",
        }));
    }

    [Test]
    public void Lines_OfAListenerInAnotherNamespace_NameIt()
    {
        List<string> lines = new StatusTable(TimeProvider.System, colours: false)
            .Lines(Sample(0, Reports.Web with { Listen = ["127.0.0.1:143"], ListenNamespace = "vpn" }), null);

        Assert.That(lines[3], Does.Contain("127.0.0.1:143 in vpn"));
    }

    [Test]
    public void Lines_OfATargetThatIsProbed_ShowWhatWasFound()
    {
        List<string> lines = new StatusTable(TimeProvider.System, colours: false)
            .Lines(Sample(0, Reports.Web with { TargetState = TargetState.Refuses }, s_waiting), null);

        Assert.That(lines[2], Does.Contain("TARGET          PROBE    OPEN"));
        Assert.That(lines[3], Does.Contain("127.0.0.1:3000  refuses     3"));
    }

    [TestCase(0, "0 s")]
    [TestCase(119, "119 s")]
    [TestCase(120, "2 min")]
    [TestCase(7199, "119 min")]
    [TestCase(7200, "2 h")]
    [TestCase(172_800, "2 d")]
    [TestCase(-5, "0 s")]
    public void OfTime_Seconds_AreRounded(int seconds, string expected) =>
        Assert.That(Amount.OfTime(TimeSpan.FromSeconds(seconds)), Is.EqualTo(expected));

    [Test]
    public void Lines_WithAnEarlierSample_ShowRates()
    {
        BridgeReport later = Reports.Web with { BytesToTarget = Reports.Web.BytesToTarget + (2 << 20) };
        List<string> lines = new StatusTable(TimeProvider.System, colours: false)
            .Lines(Sample(TimeProvider.System.TimestampFrequency, later), Sample(0, Reports.Web));

        Assert.That(lines[2], Does.EndWith("      IN      OUT     IN/s OUT/s"));
        Assert.That(lines[3], Does.EndWith(" 3.43 MiB 3.00 GiB 2.00 MiB   0 B"));
    }

    [Test]
    public void Lines_OfTheReadmesBridge_FitEightyColumns()
    {
        List<string> lines = new StatusTable(TimeProvider.System, colours: false).Lines(Sample(0, Reports.Web), null, width: 80);

        Assert.That(lines[2], Does.EndWith("OPEN TOTAL       IN      OUT"));
        Assert.That(lines, Has.All.Length.LessThanOrEqualTo(80));
    }

    [TestCase(79, "OPEN TOTAL …")]
    [TestCase(60, "OPEN …")]
    [TestCase(54, "TARGET …")]
    [TestCase(1, "STATE …")]
    public void Lines_OfANarrowTerminal_LeaveColumnsOutWithASign(int width, string end)
    {
        List<string> lines = new StatusTable(TimeProvider.System, colours: false).Lines(Sample(0, Reports.Web), null, width);

        Assert.That(lines[2], Does.EndWith(end));
    }

    [Test]
    public void Lines_WithRatesOnEightyColumns_KeepThem()
    {
        List<string> lines = new StatusTable(TimeProvider.System, colours: false)
            .Lines(Sample(TimeProvider.System.TimestampFrequency, Reports.Web), Sample(0, Reports.Web), width: 80);

        Assert.That(lines[2], Does.EndWith("OPEN TOTAL IN/s OUT/s …"));
        Assert.That(lines[2], Has.Length.LessThanOrEqualTo(80));
    }

    [Test]
    public void Lines_AfterTheCountsBeganAgain_ShowNoRates()
    {
        BridgeReport later = Reports.Web with { BytesToTarget = 7 };
        List<string> lines = new StatusTable(TimeProvider.System, colours: false)
            .Lines(Sample(TimeProvider.System.TimestampFrequency, later), Sample(0, Reports.Web));

        Assert.That(lines, Has.None.Contain("/s"));
    }

    [Test]
    [Promise("terminal")]
    public void Lines_WithAnEvilReason_HoldNoControlCharacters()
    {
        List<string> lines = new StatusTable(TimeProvider.System, colours: false).Lines(Sample(0, s_waiting with { Reason = "no\e[2Jsuch\nthing" }), null);

        Assert.That(lines, Has.None.Matches<string>(line => line!.Any(char.IsControl)));
    }

    private static StatusSample Sample(long time, params BridgeReport[] reports) =>
        new(new StatusDocument("1.2.3", 42, "/etc/nsbridge/appsettings.json", [.. reports.Select(BridgeStatus.Of)]), time);

    private sealed class LaterClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Reports.Web.LastFailure!.At.AddSeconds(12);
    }
}
