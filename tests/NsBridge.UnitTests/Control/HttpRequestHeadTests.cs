using System.Text;
using NsBridge.Control;

namespace NsBridge.UnitTests.Control;

public class HttpRequestHeadTests
{
    [TestCase("GET /metrics HTTP/1.1\r\nHost: a", "GET", "/metrics")]
    [TestCase("GET /metrics?x=1 HTTP/1.0", "GET", "/metrics")]
    [TestCase("HEAD http://host:9464/metrics HTTP/1.1", "HEAD", "/metrics")]
    [TestCase("GET http://host HTTP/1.1", "GET", "/")]
    public void TryParse_OfRequest_ReturnsMethodAndPath(string head, string method, string path)
    {
        Assert.That(HttpRequestHead.TryParse(Encoding.ASCII.GetBytes(head), out HttpRequestHead value));
        Assert.That((value.Method, value.Path), Is.EqualTo((method, path)));
    }

    [TestCase("GET / HTTP/1.1\r\nhost: a:80 \r\nSec-Fetch-Site: none", "a:80", "none")]
    [TestCase("GET / HTTP/1.1\nSEC-FETCH-SITE:cross-site\nHost:b", "b", "cross-site")]
    [TestCase("GET http://c/ HTTP/1.1\r\nHosts: d\r\n", null, null)]
    public void TryParse_OfRequest_ReturnsWhereItComesFrom(string head, string? host, string? site)
    {
        Assert.That(HttpRequestHead.TryParse(Encoding.ASCII.GetBytes(head), out HttpRequestHead value));
        Assert.That((value.Host, value.FetchSite), Is.EqualTo((host, site)));
    }

    [TestCase("")]
    [TestCase("GET /metrics")]
    [TestCase("GET  /metrics HTTP/1.1")]
    [TestCase("GET /metrics HTTP/2")]
    [TestCase("\u0016\u0003\u0001\u0002")]
    public void TryParse_OfGarbage_Fails(string head) =>
        Assert.That(HttpRequestHead.TryParse(Encoding.Latin1.GetBytes(head), out _), Is.False);
}
