using NsBridge.Bridges;
using NsBridge.Commands.Status;
using NsBridge.Control;
using NsBridge.Fixtures;

namespace NsBridge.UnitTests.Commands.Status;

public class StatusTableTests
{
    private static readonly BridgeReport s_waiting =
        Reports.Web with { Name = "mail", State = BridgeState.Waiting, Reason = "network namespace vpn does not exist", Active = 0, Total = 0, Refused = 0, Failed = 0, BytesToClient = 0 };

    [Test]
    public void Lines_OfTwoBridges_ShowTheirFactsAndTheReasonBelow()
    {
        List<string> lines = new StatusTable(TimeProvider.System, colours: false).Lines(Sample(0, Reports.Web, s_waiting), null);

        Assert.That(lines, Is.EqualTo(new[]
        {
            "nsbridge 1.2.3, pid 42: 2 bridges, 1 up, 1 waiting",
            "",
            "BRIDGE  STATE    LISTEN        NAMESPACE  TARGET          CLIENTS                        TO TARGET  TO CLIENT",
            "web     up       0.0.0.0:3003  vpn        127.0.0.1:3000  3 of 120, 2 refused, 5 failed  1.43 MiB   3.00 GiB",
            "mail    waiting  0.0.0.0:3003  vpn        127.0.0.1:3000  0 of 0                         1.43 MiB   0 B",
            "        network namespace vpn does not exist",
        }));
    }

    [Test]
    public void Lines_WithAnEarlierSample_ShowRates()
    {
        BridgeReport later = Reports.Web with { BytesToTarget = Reports.Web.BytesToTarget + (2 << 20) };
        List<string> lines = new StatusTable(TimeProvider.System, colours: false)
            .Lines(Sample(TimeProvider.System.TimestampFrequency, later), Sample(0, Reports.Web));

        Assert.That(lines[^1], Does.Contain("(2.00 MiB/s)").And.Contain("3.00 GiB (0 B/s)"));
    }

    [Test]
    public void Lines_AfterTheCountsBeganAgain_ShowNoRates()
    {
        BridgeReport later = Reports.Web with { BytesToTarget = 7 };
        List<string> lines = new StatusTable(TimeProvider.System, colours: false)
            .Lines(Sample(TimeProvider.System.TimestampFrequency, later), Sample(0, Reports.Web));

        Assert.That(lines[^1], Does.Not.Contain("/s)"));
    }

    [Test]
    public void Lines_WithAnEvilReason_HoldNoControlCharacters()
    {
        List<string> lines = new StatusTable(TimeProvider.System, colours: false).Lines(Sample(0, s_waiting with { Reason = "no\e[2Jsuch\nthing" }), null);

        Assert.That(lines, Has.None.Matches<string>(line => line!.Any(char.IsControl)));
    }

    private static StatusSample Sample(long time, params BridgeReport[] reports) =>
        new(new StatusDocument("1.2.3", 42, "/etc/nsbridge/appsettings.json", [.. reports.Select(BridgeStatus.Of)]), time);
}
