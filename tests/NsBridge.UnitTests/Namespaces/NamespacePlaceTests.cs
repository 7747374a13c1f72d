using NsBridge.Configuration;
using NsBridge.Linux;
using NsBridge.Namespaces;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Namespaces;

internal sealed class NamespacePlaceTests
{
    private static readonly NamespaceState Absent = new(0, "it does not exist", false);
    private static readonly NamespaceState Silent = new(0, "no answer", false) { IsUnknown = true };
    private static readonly NamespaceState Faulty = new(0, "it is no namespace", true);

    [Test]
    public void Look_FirstFindsAFault_TellsItAtOnce()
    {
        var place = Place(Faulty, out _);

        place.Look();

        Assert.That(place.State, Is.EqualTo(Faulty));
    }

    [Test]
    public async Task Look_FindsAFaultWhereThereWasNothing_TellsItOnceItHasLasted()
    {
        var place = Place(Absent, out var lead);
        place.Look();
        lead.State = Faulty;

        place.Look();
        Assert.That(place.State, Is.EqualTo(Faulty with { IsFault = false }), "a file that a namespace is about to be mounted on");

        await Eventually.TrueAsync(
            () =>
            {
                place.Look();
                return place.State.IsFault;
            },
            TimeSpan.FromSeconds(10),
            "the fault is told");
    }

    [Test]
    public async Task Look_FaultsThatComeAndGo_AreNeverTold()
    {
        var place = Place(Absent, out var lead);
        place.Look();
        for (var i = 0; i < 8; i++)
        {
            lead.State = i % 2 == 0 ? Faulty : Absent;
            place.Look();
            Assert.That(place.State.IsFault, Is.False);
            await Task.Delay(100);
        }
    }

    [Test]
    public void Look_FindsNobodyWhoKnows_IsUnknownUntilTheFirstAnswerAndNeverAgain()
    {
        var place = Place(Silent, out var lead);
        place.Look();
        Assert.That(place.State.IsUnknown);

        lead.State = Absent;
        place.Look();
        Assert.That(place.State, Is.EqualTo(Absent));

        lead.State = Silent;
        place.Look();
        Assert.That(place.State, Is.EqualTo(Silent with { IsUnknown = false }));
    }

    private static NamespacePlace Place(NamespaceState first, out Lead lead)
    {
        lead = new Lead { State = first };
        return new NamespacePlace(NamespaceReference.Host, lead);
    }

    /// <summary>Leads nowhere.</summary>
    private sealed class Lead : INamespaceResolver
    {
        public required NamespaceState State { get; set; }

        public NetworkNamespace? Resolve(out NamespaceState absent)
        {
            absent = State;
            return null;
        }
    }
}
