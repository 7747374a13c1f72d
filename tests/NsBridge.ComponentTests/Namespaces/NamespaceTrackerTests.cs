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
    public void Probe_FirstFindsAFault_ReportsItAtOnce()
    {
        NamespaceTracker tracker = Tracker(s_faulty, out _);

        tracker.Probe();

        Assert.That(tracker.State, Is.EqualTo(s_faulty));
    }

    [Test]
    public async Task Probe_FindsAFaultWhereThereWasNothing_ReportsItOnceItHasLasted()
    {
        NamespaceTracker tracker = Tracker(s_absent, out ScriptedResolver? resolver);
        tracker.Probe();
        resolver.State = s_faulty;

        tracker.Probe();
        Assert.That(tracker.State, Is.EqualTo(s_faulty with { IsFault = false }), "a file that a namespace is about to be mounted on");

        await Eventually.TrueAsync(
            () =>
            {
                tracker.Probe();
                return tracker.State.IsFault;
            },
            TimeSpan.FromSeconds(10),
            "the fault is reported");
    }

    [Test]
    public async Task Probe_FaultsThatComeAndGo_AreNeverReported()
    {
        NamespaceTracker tracker = Tracker(s_absent, out ScriptedResolver? resolver);
        tracker.Probe();
        for (int i = 0; i < 8; i++)
        {
            resolver.State = i % 2 == 0 ? s_faulty : s_absent;
            tracker.Probe();
            Assert.That(tracker.State.IsFault, Is.False);
            await Task.Delay(100);
        }
    }

    [Test]
    public void Probe_FindsNoAnswer_IsUnknownUntilTheFirstAnswerAndNeverAgain()
    {
        NamespaceTracker tracker = Tracker(s_silent, out ScriptedResolver? resolver);
        tracker.Probe();
        Assert.That(tracker.State.IsUnknown);

        resolver.State = s_absent;
        tracker.Probe();
        Assert.That(tracker.State, Is.EqualTo(s_absent));

        resolver.State = s_silent;
        tracker.Probe();
        Assert.That(tracker.State, Is.EqualTo(s_silent with { IsUnknown = false }));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Probe_FindsTheSameAsBeforeAnotherWasEntered_ReportsItAgainOnce(bool wasThere)
    {
        await using TestNamespace lasting = await TestNamespace.CreateAsync();
        await using TestNamespace passing = await TestNamespace.CreateAsync();
        NetworkNamespace? usual = wasThere ? NetworkNamespace.AtPath(lasting.FilePath) : null;
        NamespaceTracker tracker = Tracker(s_absent, out ScriptedResolver? resolver);
        resolver.Network = usual;
        await OwnThread.RunAsync(tracker.Probe);
        NamespaceState known = tracker.State;
        int reported = 0;
        tracker.Changed += _ => reported++;

        resolver.Network = NetworkNamespace.AtPath(passing.FilePath);
        await OwnThread.RunAsync(() => OpenAndClose(tracker));
        resolver.Network = usual;
        await OwnThread.RunAsync(tracker.Probe);

        Assert.That(reported, Is.EqualTo(1), "what was made there has to go");
        Assert.That(tracker.State, Is.EqualTo(known));
        await OwnThread.RunAsync(tracker.Probe);
        Assert.That(reported, Is.EqualTo(1));
    }

    [Test]
    public async Task Probe_FindsTheSameThatWasEntered_ReportsNothing()
    {
        await using TestNamespace space = await TestNamespace.CreateAsync();
        NamespaceTracker tracker = Tracker(s_absent, out ScriptedResolver? resolver);
        resolver.Network = NetworkNamespace.AtPath(space.FilePath);
        await OwnThread.RunAsync(tracker.Probe);
        tracker.Changed += _ => Assert.Fail("it is the same");

        await OwnThread.RunAsync(() => OpenAndClose(tracker));
        await OwnThread.RunAsync(tracker.Probe);
    }

    private static ulong OpenAndClose(NamespaceTracker tracker)
    {
        Span<int> socket = stackalloc int[1];
        Assert.That(tracker.OpenSockets(Libc.AF_INET, Libc.SOCK_STREAM, socket, out ulong cookie, out _), Is.EqualTo(1));
        Libc.Close(socket[0]);
        return cookie;
    }

    private static NamespaceTracker Tracker(NamespaceState first, out ScriptedResolver resolver)
    {
        resolver = new ScriptedResolver { State = first };
        return new NamespaceTracker(NamespaceReference.Host, resolver);
    }
}
