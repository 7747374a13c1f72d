using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Namespaces;
using NsBridge.Namespaces.Locating;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Namespaces;

/// <summary>Nothing that takes time happens while <see cref="NamespaceWatch.Acquire"/> and <see cref="NamespaceWatch.Release"/> would have to wait for it.</summary>
internal sealed class NamespaceWatchTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private static readonly NamespaceState s_absent = new(0, "it does not exist", false);

    [Test]
    public async Task Acquire_WhileANamespaceIsBeingRemoved_DoesNotWait()
    {
        NamespaceReference vpn = Reference("vpn");
        var vpnResolver = new ScriptedResolver { State = s_absent, Network = NetworkNamespace.Own };
        var acquired = new TaskCompletionSource<bool>();
        NamespaceWatch? watch = null;
        // In place of the pause: an Acquire on another thread has to succeed during it.
        watch = new NamespaceWatch(
            (reference, _) => reference == vpn ? vpnResolver : new ScriptedResolver { State = s_absent },
            _ => acquired.TrySetResult(Task.Run(() => watch!.Acquire(Reference("other"))).Wait(s_soon)));
        using (watch)
        {
            NamespaceTracker tracker = watch.Acquire(vpn);
            await Eventually.TrueAsync(() => tracker.State.CanEnter, s_soon, "the namespace is there");
            vpnResolver.Network = null;
            watch.ProbeNow();

            Assert.That(await acquired.Task.WaitAsync(s_soon + s_soon), Is.True, "acquired during the pause");
            await Eventually.TrueAsync(() => tracker.State == s_absent, s_soon, "and the removal is reported");
        }
    }

    [Test]
    public async Task Release_LocatorDoesNotReturn_DoesNotWaitForIt()
    {
        var locator = new StuckLocator();
        using var watch = new NamespaceWatch((_, changed) => new PollingResolver(locator, changed), Thread.Sleep);
        NamespaceTracker tracker = watch.Acquire(Reference("vpn"));
        await locator.Asked.WaitAsync(s_soon);

        var work = Task.Run(() =>
        {
            watch.Release(tracker);
            watch.Release(watch.Acquire(Reference("other")));
        });
        try
        {
            await work.WaitAsync(s_soon);
        }
        finally
        {
            locator.Return();
        }
    }

    [Test]
    public async Task Release_OfTheLastUser_EndsTheProbes()
    {
        var resolver = new ScriptedResolver { State = s_absent };
        using var watch = new NamespaceWatch((_, _) => resolver, Thread.Sleep);
        NamespaceTracker tracker = watch.Acquire(Reference("vpn"));
        Assert.That(watch.Acquire(Reference("vpn")), Is.SameAs(tracker));
        watch.Release(tracker);
        await Eventually.TrueAsync(() => tracker.State == s_absent, s_soon, "it is probed while it has a user");

        watch.Release(tracker);
        resolver.State = s_absent with { Reason = "another" };
        watch.ProbeNow();
        await Task.Delay(200);

        Assert.That(tracker.State, Is.EqualTo(s_absent));
    }

    private static NamespaceReference Reference(string name) =>
        NamespaceReference.TryParse(name, out NamespaceReference reference, out string fault) ? reference : throw new ArgumentException(fault);

    /// <summary>Does not react to cancellation.</summary>
    private sealed class StuckLocator : INamespaceLocator
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _return = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Description => "unit stuck.service";

        public TimeSpan Freshness => TimeSpan.FromSeconds(1);

        public Task Asked => _asked.Task;

        public void Return() => _return.TrySetResult();

        public async Task<NamespaceLocation> LocateAsync(CancellationToken cancel)
        {
            _asked.TrySetResult();
            await _return.Task;
            return NamespaceLocation.Waiting("it is stuck");
        }

        public Task<NamespaceLocation?> VerifyAsync(NamespaceLocation location, CancellationToken cancel) => Task.FromResult<NamespaceLocation?>(null);
    }
}
