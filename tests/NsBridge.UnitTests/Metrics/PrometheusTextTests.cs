using NsBridge.Bridges;
using NsBridge.Fixtures;
using NsBridge.Metrics;

namespace NsBridge.UnitTests.Metrics;

public class PrometheusTextTests
{
    [Test]
    public void Write_OfABridge_GivesEveryMetricOfTheContract()
    {
        string[] lines = Write(Reports.Web).Split('\n');

        Assert.That(lines, Is.SupersetOf(new[]
        {
            "# TYPE nsbridge_bridge_up gauge",
            """nsbridge_bridge_up{bridge="web"} 1""",
            """nsbridge_connections_active{bridge="web"} 3""",
            "# TYPE nsbridge_connections_total counter",
            """nsbridge_connections_total{bridge="web",result="served"} 110""",
            """nsbridge_connections_total{bridge="web",result="refused"} 2""",
            """nsbridge_connections_total{bridge="web",result="failed"} 5""",
            """nsbridge_connections_ended_total{bridge="web",outcome="client-reset"} 7""",
            """nsbridge_connections_ended_total{bridge="web",outcome="displaced"} 0""",
            """nsbridge_clients_parked{bridge="web"} 1""",
            """nsbridge_failing_clients{bridge="web"} 14""",
            """nsbridge_bytes_total{bridge="web",direction="to_target"} 1500000""",
            """nsbridge_bytes_total{bridge="web",direction="to_client"} 3221225472""",
            "# TYPE nsbridge_connect_seconds histogram",
            """nsbridge_connect_seconds_bucket{bridge="web",le="0.0001"} 4""",
            """nsbridge_connect_seconds_bucket{bridge="web",le="0.0005"} 6""",
            """nsbridge_connect_seconds_bucket{bridge="web",le="5"} 6""",
            """nsbridge_connect_seconds_bucket{bridge="web",le="+Inf"} 7""",
            """nsbridge_connect_seconds_sum{bridge="web"} 7.5""",
            """nsbridge_connect_seconds_count{bridge="web"} 7""",
        }));
    }

    [Test]
    public void Write_OfABridgeThatIsNotUp_SaysZero() =>
        Assert.That(Write(Reports.Web with { State = BridgeState.Waiting }), Does.Contain("nsbridge_bridge_up{bridge=\"web\"} 0\n"));

    [TestCase("Answers", "nsbridge_target_up{bridge=\"web\"} 1")]
    [TestCase("Refuses", "nsbridge_target_up{bridge=\"web\"} 0")]
    [TestCase("Silent", "nsbridge_target_up{bridge=\"web\"} 0")]
    [TestCase("Unknown")]
    public void Write_OfATarget_SaysWhetherItIsUpUnlessThatIsUnknown(string state, params string[] sample)
    {
        IEnumerable<string> lines = Write(Reports.Web with { TargetState = Enum.Parse<TargetState>(state) }).Split('\n')
            .Where(line => line.StartsWith("nsbridge_target_up", StringComparison.Ordinal));

        Assert.That(lines, Is.EqualTo(sample));
    }

    [Test]
    public void Write_OfABridgeThatIsSwitchedOff_DoesNotSayThatItIsDown()
    {
        string text = Write(Reports.Web with { State = BridgeState.Disabled });

        Assert.That(text, Does.Not.Contain("nsbridge_bridge_up{"));
        Assert.That(text, Does.Contain("nsbridge_connections_active{bridge=\"web\"} 3\n"), "what it still has is told");
    }

    [Test]
    public void Write_OfHugeCounts_KeepsEveryDigit() =>
        Assert.That(Write(Reports.Web with { BytesToClient = 9_007_199_254_740_992 }), Does.Match("to_client\"} (9007199254740992|9.007199254740992E\\+15)\n"));

    [TestCase("a\\b", "a\\\\b")]
    [TestCase("a\"b", "a\\\"b")]
    [TestCase("a\nb", "a\\nb")]
    public void Escaped_FollowsTheFormat(string value, string text) => Assert.That(PrometheusText.Escaped(value), Is.EqualTo(text));

    [Test]
    public void Counts_ReadWhileAClientEnds_NeverFall()
    {
        var reports = new Reports();
        var counts = new BridgeCounts(reports);
        reports.Now.Add(Reports.Web);
        counts.Take();

        // Active was read before a client came, Total after.
        reports.Now[0] = Reports.Web with { Active = 4 };
        Assert.That(counts.Take()[0].Ended.Served, Is.EqualTo(110));
        reports.Now[0] = Reports.Web with { Active = 0, Total = 1, Refused = 0, Failed = 0 };
        Assert.That(counts.Take()[0].Ended.Served, Is.EqualTo(1), "a bridge that began again");
    }

    private static string Write(params BridgeReport[] bridges)
    {
        var reports = new Reports();
        reports.Now.AddRange(bridges);
        return PrometheusText.Write(new BridgeCounts(reports).Take());
    }
}
