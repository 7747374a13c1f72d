using NsBridge.Bridges;

namespace NsBridge.UnitTests.Bridges;

internal sealed class BridgeCountersTests
{
    [Test]
    public void LastFailure_ClientsFailInARow_IsTheLastOneWithTheirNumber()
    {
        var counters = new BridgeCounters(1);
        Assert.That(counters.LastFailure, Is.Null);

        counters.CountFailed("ETIMEDOUT");
        counters.CountFailed("ECONNREFUSED");

        Assert.That(counters.LastFailure, Has.Property("Reason").EqualTo("ECONNREFUSED").And.Property("Count").EqualTo(2));
        Assert.That(counters.LastFailure!.At, Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromMinutes(1)));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void LastFailure_AClientReachesTheTarget_IsGone(bool inThisProcess)
    {
        var counters = new BridgeCounters(1);
        counters.CountFailed("ECONNREFUSED");

        if (inThisProcess)
            counters.CountConnect(100);
        else
            counters.CountReached();

        Assert.That(counters.LastFailure, Is.Null);
        counters.CountFailed("ECONNREFUSED");
        Assert.That(counters.LastFailure!.Count, Is.EqualTo(1), "and counted anew");
    }
}
