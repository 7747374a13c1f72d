using System.Net;
using NsBridge.Bridges;
using NsBridge.Bridges.Admission;
using NsBridge.Configuration.Settings;
using NsBridge.Fixtures;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.UnitTests.Bridges;

internal sealed class AdmissionControlTests
{
    [TestCase("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", AdmitVerdict.ClientFull)]
    [TestCase("2001:db8:0:1::1", "2001:db8:0:2::1", AdmitVerdict.Admitted)]
    [TestCase("192.0.2.1", "192.0.2.1", AdmitVerdict.ClientFull)]
    [TestCase("192.0.2.1", "192.0.2.2", AdmitVerdict.Admitted)]
    [TestCase("::ffff:192.0.2.1", "::ffff:192.0.2.2", AdmitVerdict.Admitted)]
    [TestCase("::ffff:192.0.2.1", "192.0.2.1", AdmitVerdict.ClientFull)]
    public void Admit_SecondClientWithALimitOfOne_ByItsAddressOrItsNetworkOfIPv6(string first, string second, object expected)
    {
        AdmissionControl admission = Make();
        Assert.That(admission.Admit(Peer(first)), Is.EqualTo(AdmitVerdict.Admitted));

        Assert.That(admission.Admit(Peer(second)), Is.EqualTo(expected));
    }

    [Test]
    public void Release_ClientOfTheSameNetwork_MakesRoom()
    {
        AdmissionControl admission = Make();
        admission.Admit(Peer("2001:db8::1"));

        admission.Release(Peer("2001:db8::1"));

        Assert.That(admission.Admit(Peer("2001:db8::2")), Is.EqualTo(AdmitVerdict.Admitted));
    }

    private static AdmissionControl Make()
    {
        BridgeSettings settings = LoadedText.Right(
            """ "Name":"web", "Listen":"3003", "Namespace":"host", "Target":"127.0.0.1:3000", "MaxConnectionsPerClient":1 """).Bridges[0];
        return new AdmissionControl(new BridgeCounters(1), settings);
    }

    private static PeerAddress Peer(string address) => PeerAddress.From(SockAddr.From(IPAddress.Parse(address), 5000));
}
