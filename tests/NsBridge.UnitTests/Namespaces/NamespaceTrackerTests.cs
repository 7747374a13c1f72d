using NsBridge.Base;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Testing;

namespace NsBridge.UnitTests.Namespaces;

internal sealed class NamespaceTrackerTests
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

    [TestCase(true)]
    [TestCase(false)]
    public async Task Look_FindsTheSameAsBeforeAnotherWasEntered_TellsItAgainOnce(bool wasThere)
    {
        await using TestNamespace lasting = await TestNamespace.CreateAsync();
        await using TestNamespace passing = await TestNamespace.CreateAsync();
        NetworkNamespace? usual = wasThere ? NetworkNamespace.AtPath(lasting.FilePath) : null;
        var place = Place(Absent, out var lead);
        lead.Network = usual;
        await OwnThread.RunAsync(place.Look);
        NamespaceState known = place.State;
        var told = 0;
        place.Changed += _ => told++;

        lead.Network = NetworkNamespace.AtPath(passing.FilePath);
        await OwnThread.RunAsync(() => OpenAndClose(place));
        lead.Network = usual;
        await OwnThread.RunAsync(place.Look);

        Assert.That(told, Is.EqualTo(1), "what was made there has to go");
        Assert.That(place.State, Is.EqualTo(known));
        await OwnThread.RunAsync(place.Look);
        Assert.That(told, Is.EqualTo(1));
    }

    [Test]
    public async Task Look_FindsTheSameThatWasEntered_TellsNothing()
    {
        await using TestNamespace space = await TestNamespace.CreateAsync();
        var place = Place(Absent, out var lead);
        lead.Network = NetworkNamespace.AtPath(space.FilePath);
        await OwnThread.RunAsync(place.Look);
        place.Changed += _ => Assert.Fail("it is the same");

        await OwnThread.RunAsync(() => OpenAndClose(place));
        await OwnThread.RunAsync(place.Look);
    }

    private static ulong OpenAndClose(NamespaceTracker place)
    {
        Span<int> socket = stackalloc int[1];
        Assert.That(place.OpenSockets(Libc.AF_INET, Libc.SOCK_STREAM, socket, out ulong cookie, out _), Is.EqualTo(1));
        Libc.Close(socket[0]);
        return cookie;
    }

    private static NamespaceTracker Place(NamespaceState first, out Lead lead)
    {
        lead = new Lead { State = first };
        return new NamespaceTracker(NamespaceReference.Host, lead);
    }
}
