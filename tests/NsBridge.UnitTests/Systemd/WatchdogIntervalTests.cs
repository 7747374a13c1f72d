using NsBridge.Systemd;

namespace NsBridge.UnitTests.Systemd;

internal sealed class WatchdogIntervalTests
{
    [TestCase("30000000", null)]
    [TestCase("30000000", "17")]
    public void Parse_ForThisProcess_TheInterval(string microseconds, string? process) =>
        Assert.That(WatchdogInterval.Parse(microseconds, process, 17), Is.EqualTo(TimeSpan.FromSeconds(30)));

    [TestCase(null, null)]
    [TestCase("0", null)]
    [TestCase("soon", null)]
    [TestCase("30000000", "18")]
    public void Parse_NotForThisProcess_None(string? microseconds, string? process) =>
        Assert.That(WatchdogInterval.Parse(microseconds, process, 17), Is.Null);

    [TestCase("1")]
    [TestCase("1000")]
    [TestCase("9223372036854775807")]
    public void Parse_BeyondWhatTimersTake_OneThatTheyTake(string microseconds)
    {
        TimeSpan interval = WatchdogInterval.Parse(microseconds, null, 17)!.Value;
        Assert.That(interval, Is.InRange(TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(1)));
    }
}
