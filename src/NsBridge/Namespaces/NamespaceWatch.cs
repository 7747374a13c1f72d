using NsBridge.Configuration.Values;
using NsBridge.Linux;

namespace NsBridge.Namespaces;

/// <summary>
/// Keeps the state of every namespace in use: one thread of its own looks at each, whenever a mount changed, whenever a
/// dial came upon something new, and once a second.
/// </summary>
/// <remarks>A look costs about 10 µs, so a thousand namespaces cost a hundredth of a core.</remarks>
internal sealed class NamespaceWatch : IDisposable
{
    private const int PatienceMilliseconds = 1000;

    private readonly Lock _lock = new();
    private readonly Dictionary<NamespaceReference, (NamespaceTracker Place, INamespaceResolver Resolver, int Users)> _places = [];
    private readonly List<NamespaceTracker> _gone = [];
    private readonly MountWatch _mounts = new();
    private readonly Thread _thread;
    private volatile bool _stopping;

    public NamespaceWatch()
    {
        _thread = new Thread(Run, 256 * 1024) { Name = "namespaces", IsBackground = true };
        _thread.Start();
    }

    /// <summary>The place of a reference, shared by all who name it alike; give it back by <see cref="Release"/>.</summary>
    public NamespaceTracker Acquire(NamespaceReference reference)
    {
        lock (_lock)
        {
            if (_places.TryGetValue(reference, out (NamespaceTracker Place, INamespaceResolver Resolver, int Users) known))
            {
                _places[reference] = known with { Users = known.Users + 1 };
                return known.Place;
            }
            INamespaceResolver resolver = NamespaceResolvers.For(reference, ProbeNow);
            var place = new NamespaceTracker(reference, resolver);
            _places.Add(reference, (place, resolver, 1));
            _mounts.Wake();
            return place;
        }
    }

    public void Release(NamespaceTracker place)
    {
        lock (_lock)
        {
            (NamespaceTracker _, INamespaceResolver? resolver, int users) = _places[place.Reference];
            if (users > 1)
            {
                _places[place.Reference] = (place, resolver, users - 1);
                return;
            }
            _places.Remove(place.Reference);
            (resolver as IDisposable)?.Dispose();
        }
    }

    /// <summary>The operator has written the numbers of processes anew: where one has ended, they may mean another one. Any thread may ask.</summary>
    public void RenewProcesses()
    {
        lock (_lock)
        {
            foreach ((NamespaceTracker _, INamespaceResolver? resolver, int _) in _places.Values)
                (resolver as PidResolver)?.Renew();
        }
        ProbeNow();
    }

    /// <summary>Looks at once. Any thread may ask.</summary>
    public void ProbeNow() => _mounts.Wake();

    private void Run()
    {
        while (!_stopping)
        {
            // Under the lock, so that a place given back is not looked at any more; a look does not block.
            lock (_lock)
                ProbeAll();
            _mounts.Wait(PatienceMilliseconds);
        }
    }

    private void ProbeAll()
    {
        foreach ((NamespaceTracker? place, INamespaceResolver _, int _) in _places.Values)
        {
            if (!place.Look())
                _gone.Add(place);
        }
        if (_gone.Count == 0)
            return;
        // Once for all of them: hundreds may go at a time.
        Thread.Sleep(NamespaceTracker.Removal);
        foreach (NamespaceTracker place in _gone)
            place.ProbeAgain();
        _gone.Clear();
    }

    public void Dispose()
    {
        _stopping = true;
        _mounts.Wake();
        _thread.Join();
        lock (_lock)
        {
            foreach ((NamespaceTracker _, INamespaceResolver? resolver, int _) in _places.Values)
                (resolver as IDisposable)?.Dispose();
            _places.Clear();
        }
        // Last: until they have ended the resolvers may ask for a look.
        _mounts.Dispose();
    }
}
