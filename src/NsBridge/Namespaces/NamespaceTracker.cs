using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Namespaces;

/// <summary>
/// A namespace as the operator refers to it: whatever the reference leads to at the time of each use. Nothing of the namespace
/// is held in between.
/// </summary>
internal sealed class NamespaceTracker
{
    /// <summary>`ip netns delete` unmounts the namespace and removes its file right after; what the file is in between would be told as a fault.</summary>
    public static readonly TimeSpan Removal = TimeSpan.FromMilliseconds(10);

    /// <summary>`ip netns add` makes the file before it mounts the namespace there: what may still become one is waited for, and no fault until it has lasted.</summary>
    private static readonly TimeSpan s_making = TimeSpan.FromMilliseconds(500);

    private readonly INamespaceResolver _resolver;
    private readonly TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile NamespaceState _state;
    private long? _faultSince;
    private volatile bool _wasElsewhere;

    public NamespaceTracker(NamespaceReference reference, INamespaceResolver resolver)
    {
        Reference = reference;
        _resolver = resolver;
        _state = NamespaceState.Unknown;
    }

    public NamespaceReference Reference { get; }

    /// <summary>As of the last look; <see cref="NamespaceWatch"/> keeps it true.</summary>
    public NamespaceState State => _state;

    /// <summary>Ends when <see cref="State"/> tells something for the first time.</summary>
    public Task FirstLook => _looked.Task;

    /// <summary>Raised on the watch's thread after <see cref="State"/> changed, or sockets were made of another namespace than it tells; must be quick.</summary>
    public event Action<NamespaceTracker>? Changed;

    /// <summary>How to enter it now; null with a reason where the reference leads nowhere.</summary>
    public NetworkNamespace? Resolve(out NamespaceState absent) => _resolver.Resolve(out absent);

    /// <summary>Makes sockets of the namespace the reference leads to now, entering it once.</summary>
    /// <param name="domain">AF_…</param>
    /// <param name="type">SOCK_…</param>
    /// <param name="sockets">Room for as many as are wanted.</param>
    /// <param name="cookie">The namespace they belong to.</param>
    /// <param name="failure">What failed, where fewer were made; the default where the reference leads nowhere.</param>
    /// <returns>How many were made.</returns>
    public int OpenSockets(int domain, int type, Span<int> sockets, out ulong cookie, out EnterFailure failure)
    {
        if (_resolver.Resolve(out _) is { } network)
        {
            int made = network.OpenSockets(domain, type, sockets, out cookie, out failure);
            // One that is there for a moment only no look may ever see. What was made in it has to go all the same.
            if (made > 0 && cookie != _state.Cookie)
                _wasElsewhere = true;
            return made;
        }
        cookie = 0;
        failure = new EnterFailure(EnterStep.Open, Errno.ENOENT);
        return 0;
    }

    /// <summary>
    /// SO_NETNS_COOKIE of what the reference leads to at this moment; where that cannot be entered, as <see cref="State"/> says. On a thread that may enter
    /// namespaces.
    /// </summary>
    /// <remarks>
    /// What <see cref="Changed"/> tells is old by the time it has come to the last of many bridges and to their loops, which may have dialled into the next
    /// namespace since.
    /// </remarks>
    public ulong ProbeCookie() => Probe() is { CanEnter: true } seen ? seen.Cookie : _state.Cookie;

    /// <summary>Looks whether and where the reference leads. On the watch's thread, which may enter namespaces.</summary>
    /// <returns>False where it has just gone: what there is to tell of it is seen by another look, after <see cref="Removal"/>.</returns>
    public bool Look()
    {
        NamespaceState seen = Probe();
        if (_state.CanEnter && !seen.CanEnter)
            return false;
        Tell(seen);
        return true;
    }

    /// <summary>Looks, and tells in any case.</summary>
    public void ProbeAgain() => Tell(Probe());

    private void Tell(NamespaceState seen)
    {
        seen = Weigh(seen);
        if (seen == _state && !_wasElsewhere)
            return;
        // Before it is told: sockets that are made from here on are compared with what is seen now.
        _wasElsewhere = false;
        _state = seen;
        _looked.TrySetResult();
        Changed?.Invoke(this);
    }

    private NamespaceState Weigh(NamespaceState seen)
    {
        // Where it was seen, or seen to be gone, no answer is no excuse any more for what still goes there.
        if (!_state.IsUnknown)
            seen = seen with { IsUnknown = false };
        if (!seen.IsFault)
        {
            _faultSince = null;
            return seen;
        }
        long now = Environment.TickCount64;
        long making = (long)s_making.TotalMilliseconds;
        // What was so from the first look on is not just being made.
        _faultSince ??= _looked.Task.IsCompleted ? now : now - making;
        return seen with { IsFault = now - _faultSince >= making };
    }

    private NamespaceState Probe()
    {
        if (_resolver.Resolve(out NamespaceState absent) is not { } network)
            return absent;
        int socket = network.OpenSocket(Libc.AF_UNIX, Libc.SOCK_STREAM, out ulong cookie, out EnterFailure failure);
        Libc.Close(socket);
        if (socket >= 0)
            return new NamespaceState(cookie, "", false);
        // Out of descriptors says nothing about the namespace.
        if (failure.IsExhaustion)
            return _state;
        var state = new NamespaceState(0, network.Explain(failure), !failure.IsAbsent);
        return failure.LacksPrivilege ? state with { Fault = NamespaceFault.Forbidden } : state;
    }
}
