using System.Net;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.UnitTests.Relaying.Halves;

internal sealed class JoinPeerNameTests
{
    private static readonly SockAddr s_server = SockAddr.FromPath("/run/nsbridge/web.sock");

    [TestCase(JoinKind.Handoff, 3, true)]
    [TestCase(JoinKind.Handoff, 0, false)]
    [TestCase(JoinKind.Relay, 1000, true)]
    [TestCase(JoinKind.Relay, 65535, false)]
    [TestCase(JoinKind.Datagrams, 0, false)]
    public void Name_OfThisProcess_IsReadAsItWasWritten(JoinKind kind, int value, bool isOwn)
    {
        var name = new JoinPeerName(kind, value, isOwn);
        Assert.That(JoinPeerName.Of(name.ToAddress(s_server)), Is.EqualTo(name));
        Assert.That(name.ToAddress(s_server).IsSame(name.ToAddress(s_server)), Is.False, "each name is another one");
    }

    [TestCase("192.0.2.1", 1, true)]
    [TestCase("2001:db8:1:2:3:4:5:6", 65535, true)]
    [TestCase("2001:db8::1", 80, false)]
    public void Name_WithAClient_TellsItsAddress(string client, int port, bool isOwn)
    {
        var name = new JoinPeerName(JoinKind.Relay, 65535, isOwn, PeerAddress.From(SockAddr.From(IPAddress.Parse(client), port)));
        Assert.That(JoinPeerName.Of(name.ToAddress(s_server)), Is.EqualTo(name));
    }

    [TestCase("nsbc0.")]
    [TestCase("nsbc0.0123456789abcdef0123456789abcdef012")]
    [TestCase("nsbc0.0123456789abcdef0123456789abcdeg0123")]
    public void Name_WithABrokenAddress_TellsNone(string text)
    {
        var name = JoinPeerName.Of(SockAddr.FromAbstract(System.Text.Encoding.ASCII.GetBytes(text)));
        Assert.That((name.Kind, name.Client), Is.EqualTo((JoinKind.Relay, (PeerAddress?)null)));
    }

    [TestCase("nsbr0.")]
    [TestCase("nsbh0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void Name_WithoutTheSecretOfTheProcess_IsNotItsOwn(string text)
    {
        var name = JoinPeerName.Of(SockAddr.FromAbstract(System.Text.Encoding.ASCII.GetBytes(text)));
        Assert.That((name.Kind != JoinKind.LocalClient, name.IsOwn), Is.EqualTo((true, false)));
    }

    [Test]
    public void Name_ForAnyServer_IsNoLongerThanTheServersAddress() =>
        Assert.That(new JoinPeerName(JoinKind.Relay, 0).ToAddress(s_server).Length, Is.LessThanOrEqualTo(s_server.Length));
}
