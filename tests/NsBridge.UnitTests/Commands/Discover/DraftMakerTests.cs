using System.Net;
using NsBridge.Commands.Discover;
using NsBridge.Linux;

namespace NsBridge.UnitTests.Commands.Discover;

/// <summary>Why a draft has another port on the host than its service.</summary>
internal sealed class DraftMakerTests
{
    [Test]
    public void Draft_OfAPortThatTheHostHas_SaysThatItIsTaken()
    {
        var maker = new DraftMaker([], [Listening(80)]);

        Assert.That(maker.Draft(Service("a", 80)).Note, Does.EndWith("; port 80 of the host is taken"));
    }

    [Test]
    public void Draft_OfAPortThatAnEarlierDraftHas_DoesNotBlameTheHost()
    {
        var maker = new DraftMaker([], []);

        Assert.That(maker.Draft(Service("a", 80)).Note, Does.Not.Contain("; port"));
        Assert.That(maker.Draft(Service("b", 80)).Note, Does.EndWith("; port 80 is another entry's above"));
    }

    private static FoundService Service(string place, int port) => new(place, Listening(port), null);

    private static BoundSocket Listening(int port) => new(BoundSocketKind.Tcp, new IPEndPoint(IPAddress.Loopback, port), null, false, 0, 1);
}
