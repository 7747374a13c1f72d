using NsBridge.Base;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Namespaces;

internal sealed class NamespaceTrackerTests
{
    private static readonly NamespaceState s_absent = new(0, "it does not exist", false);
    private static readonly NamespaceState s_silent = new(0, "no answer", false) { IsUnknown = true };
    private static readonly NamespaceState s_faulty = new(0, "it is no namespace", true);

    [Test]
    public void Look_FirstFindsAFault_TellsItAtOnce()
    {
        NamespaceTracker place = Place(s_faulty, out _);

        place.Look();

        Assert.That(place.State, Is.EqualTo(s_faulty));
    }

    [Test]
    public async Task Look_FindsAFaultWhereThereWasNothing_TellsItOnceItHasLasted()
    {
        NamespaceTracker place = Place(s_absent, out Lead? lead);
        place.Look();
        lead.State = s_faulty;

        place.Look();
        Assert.That(place.State, Is.EqualTo(s_faulty with { IsFault = false }), "a file that a namespace is about to be mounted on");

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
        NamespaceTracker place = Place(s_absent, out Lead? lead);
        place.Look();
        for (int i = 0; i < 8; i++)
        {
            lead.State = i % 2 == 0 ? s_faulty : s_absent;
            place.Look();
            Assert.That(place.State.IsFault, Is.False);
            await Task.Delay(100);
        }
    }

    [Test]
    public void Look_FindsNobodyWhoKnows_IsUnknownUntilTheFirstAnswerAndNeverAgain()
    {
        NamespaceTracker place = Place(s_silent, out Lead? lead);
        place.Look();
        Assert.That(place.State.IsUnknown);

        lead.State = s_absent;
        place.Look();
        Assert.That(place.State, Is.EqualTo(s_absent));

        lead.State = s_silent;
        place.Look();
        Assert.That(place.State, Is.EqualTo(s_silent with { IsUnknown = false }));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Look_FindsTheSameAsBeforeAnotherWasEntered_TellsItAgainOnce(bool wasThere)
    {
        await using TestNamespace lasting = await TestNamespace.CreateAsync();
        await using TestNamespace passing = await TestNamespace.CreateAsync();
        NetworkNamespace? usual = wasThere ? NetworkNamespace.AtPath(lasting.FilePath) : null;
        NamespaceTracker place = Place(s_absent, out Lead? lead);
        lead.Network = usual;
        await OwnThread.RunAsync(place.Look);
        NamespaceState known = place.State;
        int told = 0;
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
        NamespaceTracker place = Place(s_absent, out Lead? lead);
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
