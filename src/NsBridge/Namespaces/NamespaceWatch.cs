using NsBridge.Configuration.Values;
using NsBridge.Linux;

namespace NsBridge.Namespaces;

/// <summary>Keeps the state of every namespace in use. One thread probes all of them after a change of mounts, after a resolver published
/// something new, and once a second.</summary>
/// <remarks>A probe costs about 10 µs, so a thousand namespaces cost a hundredth of a core. The lock is held for one probe at a time and
/// never across a pause or a wait: <see cref="Acquire"/> and <see cref="Release"/> are called while connections are served.</remarks>
internal sealed class NamespaceWatch : IDisposable
{
    private const int ProbePeriodMilliseconds = 1000;

    /// <summary><c>ip netns delete</c> unmounts the namespace and removes its file right after; in between the file would be reported as a
    /// fault.</summary>
    private static readonly TimeSpan s_removal = TimeSpan.FromMilliseconds(10);

    /// <summary>Resolvers end as soon as they are cancelled; this bounds a locator that does not react.</summary>
    private static readonly TimeSpan s_endDeadline = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<NamespaceReference, Entry> _entries = [];
    private readonly List<Task> _ending = [];
    private readonly MountWatch _mounts = new();
    private readonly Func<NamespaceReference, Action, INamespaceResolver> _resolverFor;
    private readonly Action<TimeSpan> _pause;
    private readonly Thread _thread;
    private volatile bool _stopping;

    public NamespaceWatch()
        : this(NamespaceResolvers.For)
    {
    }

    /// <param name="resolverFor">Makes the resolver of a reference.</param>
    public NamespaceWatch(Func<NamespaceReference, Action, INamespaceResolver> resolverFor)
        : this(resolverFor, Thread.Sleep)
    {
    }

    /// <param name="resolverFor">Makes the resolver of a reference.</param>
    /// <param name="pause">Waits on the watch's thread.</param>
    internal NamespaceWatch(Func<NamespaceReference, Action, INamespaceResolver> resolverFor, Action<TimeSpan> pause)
    {
        _resolverFor = resolverFor;
        _pause = pause;
        _thread = new Thread(Run, 256 * 1024) { Name = "namespaces", IsBackground = true };
        _thread.Start();
    }

    /// <summary>The tracker of a reference, shared by all users of the same reference; returned by <see cref="Release"/>.</summary>
    public NamespaceTracker Acquire(NamespaceReference reference)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(reference, out Entry? entry))
            {
                INamespaceResolver resolver = _resolverFor(reference, ProbeNow);
                _entries.Add(reference, entry = new Entry(new NamespaceTracker(reference, resolver), resolver));
                ProbeNow();
            }
            entry.Users++;
            return entry.Tracker;
        }
    }

    /// <summary>Gives a tracker back. After the last user's call it is not probed any more.</summary>
    public void Release(NamespaceTracker tracker)
    {
        lock (_lock)
        {
            Entry entry = _entries[tracker.Reference];
            if (--entry.Users > 0)
                return;
            _entries.Remove(tracker.Reference);
            _ending.RemoveAll(task => task.IsCompleted);
            _ending.Add(EndAsync(entry.Resolver));
        }
    }

    /// <summary>After a reload the numbers of processes are resolved again: if one has ended, its number may mean another process.
    /// Thread-safe.</summary>
    public void RenewProcesses()
    {
        lock (_lock)
        {
            foreach (Entry entry in _entries.Values)
                (entry.Resolver as PidResolver)?.Renew();
        }
        ProbeNow();
    }

    /// <summary>Starts a probe of all namespaces. Thread-safe.</summary>
    public void ProbeNow() => _mounts.Wake();

    private void Run()
    {
        while (!_stopping)
        {
            Entry[] gone = [.. Entries().Where(entry => !IfHeld(entry, entry.Tracker.Probe))];
            if (gone.Length > 0)
            {
                // Once for all of them: hundreds may go at a time.
                _pause(s_removal);
                foreach (Entry entry in gone)
                    IfHeld(entry, entry.Tracker.ProbeAgain);
            }
            _mounts.Wait(ProbePeriodMilliseconds);
        }
    }

    private Entry[] Entries()
    {
        lock (_lock)
            return [.. _entries.Values];
    }

    /// <summary>Under the lock, so that a tracker is not probed after it was released.</summary>
    private bool IfHeld(Entry entry, Func<bool> probe)
    {
        lock (_lock)
            return entry.Users == 0 || probe();
    }

    private static async Task EndAsync(INamespaceResolver resolver)
    {
        (resolver as IDisposable)?.Dispose();
        if (resolver is IAsyncDisposable polling)
            await polling.DisposeAsync();
    }

    public void Dispose()
    {
        _stopping = true;
        ProbeNow();
        _thread.Join();
        foreach (Entry entry in Entries())
            _ending.Add(EndAsync(entry.Resolver));
        // Until they have ended the resolvers may call ProbeNow.
        if (Task.WaitAll([.. _ending], s_endDeadline))
            _mounts.Dispose();
    }

    private sealed record Entry(NamespaceTracker Tracker, INamespaceResolver Resolver)
    {
        public int Users { get; set; }
    }
}
