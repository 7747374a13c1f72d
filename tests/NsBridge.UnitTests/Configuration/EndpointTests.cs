using System.Globalization;
using System.Net;
using NsBridge.Configuration.Values;

namespace NsBridge.UnitTests.Configuration;

[TestFixture]
internal sealed class EndpointTests
{
    [TestCase("80", "127.0.0.1|80|False|0 ::1|80|False|0")]
    [TestCase("80-81", "127.0.0.1|80|False|0 ::1|80|False|0 127.0.0.1|81|False|1 ::1|81|False|1")]
    [TestCase("localhost:80", "127.0.0.1|80|False|0 ::1|80|False|0")]
    [TestCase("LocalHost:80-81", "127.0.0.1|80|False|0 ::1|80|False|0 127.0.0.1|81|False|1 ::1|81|False|1")]
    [TestCase("*:80", "::|80|True|0")]
    [TestCase("0.0.0.0:80", "0.0.0.0|80|False|0")]
    [TestCase("[::]:80", "::|80|False|0")]
    [TestCase("[::1]:65535", "::1|65535|False|0")]
    [TestCase("[::ffff:10.0.0.1]:80", "10.0.0.1|80|False|0")]
    [TestCase("10.0.0.1:8000-8002", "10.0.0.1|8000|False|0 10.0.0.1|8001|False|1 10.0.0.1|8002|False|2")]
    [TestCase("[fe80::1%3]:80", "fe80::1%3|80|False|0")]
    public void Listen_Right_MeansTheseSockets(string text, string expected)
    {
        Assert.That(ListenEndpoint.TryParse(text, out ListenEndpoint? endpoint, out string? fault), Is.True, fault);
        IEnumerable<string> sockets = endpoint.Sockets().Select(socket =>
            string.Create(CultureInfo.InvariantCulture, $"{socket.Address}|{socket.Port}|{socket.DualStack}|{socket.Offset}"));
        Assert.That(string.Join(' ', sockets), Is.EqualTo(expected));
    }

    [TestCase("eth0:80-81", "eth0")]
    [TestCase("bond0.100:80", "bond0.100")]
    [TestCase("br-1a2b3c4d5e:80", "br-1a2b3c4d5e")]
    public void Listen_Interface_MeansTheAddressesItHas(string text, string name)
    {
        Assert.That(ListenEndpoint.TryParse(text, out ListenEndpoint? endpoint, out string? fault), Is.True, fault);
        Assert.That(endpoint.Interface, Is.EqualTo(name));
        IPAddress[] addresses = [IPAddress.Parse("192.0.2.7"), IPAddress.Parse("2001:db8::7")];
        Assert.That(
            endpoint.Sockets(addresses).Select(socket => (socket.Address, socket.Port)),
            Is.EqualTo(Enumerable.Range(80, endpoint.Ports.Count).SelectMany(port => addresses.Select(address => (address, port)))));
    }

    [Test]
    public void Listen_NamedInterface_KeepsTheNameForTheSocketsNamespace()
    {
        Assert.That(ListenEndpoint.TryParse("[fe80::1%eth0]:80", out ListenEndpoint? endpoint, out _), Is.True);
        Assert.That(endpoint.Sockets().Single().Interface, Is.EqualTo("eth0"));
    }

    [TestCase("")]
    [TestCase(" 80")]
    [TestCase("80 ")]
    [TestCase("0")]
    [TestCase("65536")]
    [TestCase("-1")]
    [TestCase("+80")]
    [TestCase("80-")]
    [TestCase("-80")]
    [TestCase("80-70")]
    [TestCase("1-2-3")]
    [TestCase("99999999999999999999")]
    [TestCase("0x50")]
    [TestCase("8٠")]
    [TestCase(":80")]
    [TestCase("localhost")]
    [TestCase("[localhost]:80")]
    [TestCase("localhost.:80")]
    [TestCase("example.com:80")]
    [TestCase("127.0.0.1")]
    [TestCase("127.0.0.1:")]
    [TestCase("127.0.0.1:http")]
    [TestCase("127.1:80")]
    [TestCase("010.0.0.1:80")]
    [TestCase("1:80")]
    [TestCase("256.0.0.1:80")]
    [TestCase("10.0.0.0/8:80")]
    [TestCase("10.0.0.1%eth0:80")]
    [TestCase("::1:80")]
    [TestCase("[::1]")]
    [TestCase("[::1]80")]
    [TestCase("[::1:80")]
    [TestCase("[127.0.0.1]:80")]
    [TestCase("[::1%]:80")]
    [TestCase("[fe80::1%an-interface-name-too-long]:80")]
    [TestCase("[fe80::1%a%b]:80")]
    [TestCase("[[::1]]:80")]
    [TestCase("[*]:80")]
    [TestCase("**:80")]
    [TestCase("tcp://0.0.0.0:80")]
    [TestCase("unix:/x")]
    public void Listen_Wrong_IsRefusedWithAReason(string text)
    {
        Assert.That(ListenEndpoint.TryParse(text, out _, out string? fault), Is.False);
        Assert.That(fault, Is.Not.Empty);
    }

    [TestCase("[fe80::1]:80", "[fe80::1%eth0]:80")]
    [TestCase("224.0.0.1:80", "multicast")]
    [TestCase("255.255.255.255:80", "broadcast")]
    [TestCase("[ff02::1%eth0]:80", "multicast")]
    [TestCase("127.0.0.1:80, 127.0.0.1:81", """[ "127.0.0.1:80", "127.0.0.1:81" ]""")]
    [TestCase("80,81", """[ "80", "81" ]""")]
    [TestCase("udp:127.0.0.1:53", "'udp:' does not belong here")]
    public void Listen_OnWhatCannotBeBound_SaysWhatWouldBeRight(string text, string piece)
    {
        Assert.That(ListenEndpoint.TryParse(text, out _, out string? fault), Is.False);
        Assert.That(fault, Does.Contain(piece));
    }

    [TestCase("[fe80::1]:80", "[fe80::1%eth0]:80")]
    [TestCase("http://127.0.0.1:80", "URL")]
    [TestCase("tcp:127.0.0.1:2", "'tcp:' does not belong here; write ADDR:PORT")]
    [TestCase("fe80::1%eth0:80", "brackets")]
    [TestCase("-1", "the port must be 1-65535; write ADDR:PORT")]
    [TestCase("70000", "the port must be 1-65535; write ADDR:PORT")]
    public void Target_WrittenSo_SaysWhatWouldBeRight(string text, string piece)
    {
        Assert.That(TargetEndpoint.TryParse(text, out _, out string? fault), Is.False);
        Assert.That(fault, Does.Contain(piece));
    }

    [TestCase("127.0.0.1:3000", TargetKind.Address, "127.0.0.1")]
    [TestCase("[::1]:3000", TargetKind.Address, "::1")]
    [TestCase("LocalHost:3000", TargetKind.Localhost, "127.0.0.1, ::1")]
    [TestCase("localhost:3000-3009", TargetKind.Localhost, "127.0.0.1, ::1")]
    [TestCase("unix:/run/x.sock", TargetKind.UnixPath, "")]
    [TestCase("unix:@x", TargetKind.UnixAbstract, "")]
    public void Target_Right_HasItsKindAndAddresses(string text, TargetKind kind, string addresses)
    {
        Assert.That(TargetEndpoint.TryParse(text, out TargetEndpoint? target, out string? fault), Is.True, fault);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(target.Kind, Is.EqualTo(kind));
            Assert.That(target.Addresses.ToString(), Is.EqualTo(addresses));
            Assert.That(target.ToString(), Is.EqualTo(text));
        }
    }

    [TestCase("127.0.0.1:3000-3009", 2, "127.0.0.1:3002")]
    [TestCase("[::1]:3000-3009", 9, "[::1]:3009")]
    [TestCase("localhost:3000", 0, "localhost:3000")]
    [TestCase("unix:/run/x-9.sock", 0, "unix:/run/x-9.sock")]
    public void Target_OneOfARange_IsWrittenAsThatOne(string text, int offset, string one)
    {
        Assert.That(TargetEndpoint.TryParse(text, out TargetEndpoint? target, out string? fault), Is.True, fault);
        Assert.That(target.TextAt(offset), Is.EqualTo(one));
    }

    [TestCase("", "empty")]
    [TestCase("3000", "localhost:3000")]
    [TestCase("example.com:80", "leak out of the namespace")]
    [TestCase("localhost.:80", "leak out of the namespace")]
    [TestCase("localhost", "port is missing")]
    [TestCase("0.0.0.0:80", "not every address")]
    [TestCase("[::]:80", "not every address")]
    [TestCase("*:80", "not every address")]
    [TestCase("224.0.0.1:80", "multicast")]
    [TestCase("255.255.255.255:80", "multicast")]
    [TestCase("[ff02::1]:80", "multicast")]
    [TestCase("::1:80", "brackets")]
    [TestCase("unix:", "unix:/absolute/path")]
    [TestCase("unix:x", "unix:/absolute/path")]
    [TestCase("unix:/", "unix:/absolute/path")]
    [TestCase("unix:@", "unix:/absolute/path")]
    [TestCase("unix:/a\0b", "zero byte")]
    public void Target_Wrong_SaysWhy(string text, string piece)
    {
        Assert.That(TargetEndpoint.TryParse(text, out _, out string? fault), Is.False);
        Assert.That(fault, Does.Contain(piece));
    }

    [Test]
    public void Target_OffsetBeyondItsRange_Throws()
    {
        Assert.That(TargetEndpoint.TryParse("127.0.0.1:10-12", out TargetEndpoint? target, out _), Is.True);
        Assert.That(target.PortAt(2), Is.EqualTo(12));
        Assert.Throws<ArgumentOutOfRangeException>(() => target.PortAt(3));
    }

    [Test]
    public void Listen_AnyAddressAndRange_ReadsBackAsWritten()
    {
        var random = new Random(20240601);
        for (int i = 0; i < 2000; i++)
        {
            byte[] bytes = new byte[random.Next(2) == 0 ? 4 : 16];
            random.NextBytes(bytes);
            // Neither multicast nor link-local, which are refused.
            bytes[0] &= 0x7f;
            var address = new IPAddress(bytes);
            int first = random.Next(1, 65536);
            int last = random.Next(first, 65536);
            string host = bytes.Length == 4 ? address.ToString() : $"[{address}]";
            string text = string.Create(CultureInfo.InvariantCulture, $"{host}:{first}-{last}");
            Assert.That(ListenEndpoint.TryParse(text, out ListenEndpoint? endpoint, out string? fault), Is.True, $"{text}: {fault}");
            Assert.That((endpoint.Literal!.Address, endpoint.Ports), Is.EqualTo((address, new PortRange(first, last))));
        }
    }

    [Test]
    public void Parsers_AnyText_AnswerWithoutThrowing()
    {
        const string Letters = "0123456789:[]%*-./@,abfunix\0 é";
        var random = new Random(7);
        for (int i = 0; i < 50_000; i++)
        {
            string text = new string(Enumerable.Range(0, random.Next(24)).Select(_ => Letters[random.Next(Letters.Length)]).ToArray());
            if (!ListenEndpoint.TryParse(text, out _, out string? listen))
                Assert.That(listen, Is.Not.Empty);
            if (!TargetEndpoint.TryParse(text, out _, out string? target))
                Assert.That(target, Is.Not.Empty);
            if (!NamespaceReference.TryParse(text, out _, out string? place))
                Assert.That(place, Is.Not.Empty);
            if (!NetworkText.TryParse(text, out _, out string? network))
                Assert.That(network, Is.Not.Empty);
            if (!DurationText.TryParse(text, out _, out string? duration))
                Assert.That(duration, Is.Not.Empty);
            if (!MetricsEndpoint.TryParse(text, out _, out string? metrics))
                Assert.That(metrics, Is.Not.Empty);
        }
    }
}
