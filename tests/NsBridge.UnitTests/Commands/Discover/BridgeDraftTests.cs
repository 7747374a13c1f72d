using NsBridge.Commands.Discover;

namespace NsBridge.UnitTests.Commands.Discover;

public class BridgeDraftTests
{
    [TestCase("vpn-nginx", "vpn-nginx")]
    [TestCase("a b/c:d", "a-b-c-d")]
    [TestCase("-.x", "x")]
    [TestCase("", "bridge")]
    [TestCase("ü", "bridge")]
    public void NameFrom_AnyText_IsValid(string text, string name) => Assert.That(BridgeDraft.NameFrom(text, []), Is.EqualTo(name));

    [Test]
    public void NameFrom_ATakenName_GetsANumber() => Assert.That(BridgeDraft.NameFrom("web", ["web", "web-2"]), Is.EqualTo("web-3"));

    [Test]
    public void ToJson_OfAwkwardText_Escapes() =>
        Assert.That(new BridgeDraft("a", null, "/run/\"x\\", null).ToJson(), Is.EqualTo("""{ "Name": "a", "Namespace": "/run/\"x\\" }"""));
}
