using NsBridge.Control;
using NsBridge.Metrics;

namespace NsBridge.UnitTests.Metrics;

internal sealed class SiteGuardTests
{
    [TestCase("/", "127.0.0.1:9464", "none")]
    [TestCase("/", "[::1]:9464", "same-origin")]
    [TestCase("/", "[fe80::1]", null)]
    [TestCase("/status.json", "LocalHost:9464", null)]
    [TestCase("/", null, null)]
    [TestCase("/metrics", "server.example:9464", null)]
    public void Refusal_OfAnOwnAddress_IsNone(string path, string? host, string? site) =>
        Assert.That(SiteGuard.Refusal(new HttpRequestHead("GET", path, host, site)), Is.Null);

    [Test]
    public void Refusal_OfTheMachinesName_IsNone() =>
        Assert.That(SiteGuard.Refusal(new HttpRequestHead("GET", "/", $"{Environment.MachineName}:9464")), Is.Null);

    [TestCase("/", "evil.example:9464", "same-origin")]
    [TestCase("/status.json", "evil.example", null)]
    [TestCase("/", "127.0.0.1.evil.example", null)]
    [TestCase("/", "localhost.evil.example:9464", null)]
    [TestCase("/", "", null)]
    [TestCase("/", "127.0.0.1:9464", "cross-site")]
    [TestCase("/metrics", "127.0.0.1:9464", "same-site")]
    public void Refusal_OfAnotherSite_IsGiven(string path, string host, string? site) =>
        Assert.That(SiteGuard.Refusal(new HttpRequestHead("GET", path, host, site)), Is.Not.Null);
}
