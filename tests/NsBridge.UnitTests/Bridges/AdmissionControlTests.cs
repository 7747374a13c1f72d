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

    [TestCase("127.0.0.1:80", "192.0.2.1", AdmitVerdict.Admitted)]
    [TestCase("127.0.0.1:80", "::ffff:192.0.2.1", AdmitVerdict.Admitted)]
    [TestCase("127.0.0.1:80", "2001:db8::1", AdmitVerdict.OtherFamily)]
    [TestCase("[::1]:80", "::ffff:192.0.2.1", AdmitVerdict.OtherFamily)]
    [TestCase("[::1]:80", "2001:db8::1", AdmitVerdict.Admitted)]
    [TestCase("localhost:80", "192.0.2.1", AdmitVerdict.Admitted)]
    [TestCase("localhost:80", "2001:db8::1", AdmitVerdict.Admitted)]
    public void Admit_WithTheClientsOwnAddress_TheTargetHasOneOfItsFamily(string target, string client, object expected)
    {
        AdmissionControl admission = Make(target, """ "SourceAddress":"client" """);

        Assert.That(admission.Admit(Peer(client)), Is.EqualTo(expected));
        Assert.That(admission.Admit(PeerAddress.Unix), Is.EqualTo(AdmitVerdict.Admitted), "a local client has no address");
    }

    private static AdmissionControl Make(string target = "127.0.0.1:3000", string keys = """ "MaxConnectionsPerClient":1 """)
    {
        BridgeSettings settings = LoadedText.Right(
            $""" "Name":"web", "Listen":"3003", "Namespace":"host", "Target":"{target}", {keys} """).Bridges[0];
        return new AdmissionControl(new BridgeCounters(1), settings);
    }

    private static PeerAddress Peer(string address) => PeerAddress.From(SockAddr.From(IPAddress.Parse(address), 5000));
}
