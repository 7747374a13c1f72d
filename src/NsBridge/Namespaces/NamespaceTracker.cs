using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces.Locating;

namespace NsBridge.Namespaces;

/// <summary>What is known of a namespace at one moment.</summary>
/// <param name="Cookie">SO_NETNS_COOKIE of the one that can be entered now; 0 for none.</param>
/// <param name="Reason">Why none can be entered, in words; empty if one can.</param>
/// <param name="IsFault">Whether waiting alone does not mend it: a missing privilege, or a reference that leads to the host.</param>
internal sealed record NamespaceState(ulong Cookie, string Reason, bool IsFault)
{
    public static readonly NamespaceState Unknown = new(0, "not probed yet", false) { IsUnknown = true, Fault = NamespaceFault.Unknown };

    /// <summary>Whether no locator has answered yet: the namespace may exist all the same.</summary>
    public bool IsUnknown { get; init; }

    /// <summary>The kind of <see cref="Reason"/>.</summary>
    public NamespaceFault Fault { get; init; } =
        Cookie != 0 ? NamespaceFault.None : IsFault ? NamespaceFault.Unusable : NamespaceFault.Missing;

    public bool CanEnter => Cookie != 0;
}

/// <summary>A configured reference to a namespace, resolved anew at each use. Nothing of the namespace is held in between.</summary>
internal sealed class NamespaceTracker(NamespaceReference reference, INamespaceResolver resolver)
{
    /// <summary><c>ip netns add</c> makes the file before it mounts the namespace there: such a fault is reported only once it has lasted
    /// this long.</summary>
    private static readonly TimeSpan s_creation = TimeSpan.FromMilliseconds(500);

    private readonly TaskCompletionSource _probed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile NamespaceState _state = NamespaceState.Unknown;
    private long? _faultSince;
    private volatile bool _hasOtherSockets;

    public NamespaceReference Reference { get; } = reference;

    /// <summary>As of the last probe by <see cref="NamespaceWatch"/>.</summary>
    public NamespaceState State => _state;

    /// <summary>Completes when <see cref="State"/> is known for the first time.</summary>
    public Task FirstLook => _probed.Task;

    /// <summary>Raised on the watch's thread after <see cref="State"/> changed, or after sockets were made in another namespace; must be
    /// quick.</summary>
    public event Action<NamespaceTracker>? Changed;

    /// <summary>How to enter it now; null with a reason if the reference leads nowhere.</summary>
    public NetworkNamespace? Resolve(out NamespaceState absent) => resolver.Resolve(out absent);

    /// <summary>Makes sockets in the namespace that the reference leads to now, entering it once.</summary>
    /// <param name="domain">AF_…</param>
    /// <param name="type">SOCK_…</param>
    /// <param name="sockets">Room for as many as are wanted.</param>
    /// <param name="cookie">The namespace they belong to.</param>
    /// <param name="failure">What failed, if fewer were made; the default if the reference leads nowhere.</param>
    /// <returns>How many were made.</returns>
    public int OpenSockets(int domain, int type, Span<int> sockets, out ulong cookie, out EnterFailure failure)
    {
        if (resolver.Resolve(out _) is { } network)
        {
            int made = network.OpenSockets(domain, type, sockets, out cookie, out failure);
            // A namespace that exists for a moment only may never be seen by a probe, but what was made in it has to go.
            if (made > 0 && cookie != _state.Cookie)
                _hasOtherSockets = true;
            return made;
        }
        cookie = 0;
        failure = new EnterFailure(EnterStep.Open, Errno.ENOENT);
        return 0;
    }

    /// <summary>SO_NETNS_COOKIE of what the reference leads to at this moment; that of <see cref="State"/> if it cannot be entered. On a
    /// thread that may enter namespaces.</summary>
    /// <remarks><see cref="Changed"/> may reach the last of many loops so late that the loop has already dialled into the next
    /// namespace.</remarks>
    public ulong ProbeCookie() => Observe() is { CanEnter: true } seen ? seen.Cookie : _state.Cookie;

    /// <summary>Probes where the reference leads. On the watch's thread, which may enter namespaces.</summary>
    /// <returns>False if the namespace has just gone: <see cref="ProbeAgain"/> reports it a little later.</returns>
    public bool Probe()
    {
        NamespaceState seen = Observe();
        if (_state.CanEnter && !seen.CanEnter)
            return false;
        Report(seen);
        return true;
    }

    /// <summary>Probes, and reports in any case.</summary>
    /// <returns>True.</returns>
    public bool ProbeAgain()
    {
        Report(Observe());
        return true;
    }

    private void Report(NamespaceState seen)
    {
        seen = Weigh(seen);
        if (seen == _state && !_hasOtherSockets)
            return;
        // Before the event: sockets that are made from here on are compared with the new state.
        _hasOtherSockets = false;
        _state = seen;
        _probed.TrySetResult();
        Changed?.Invoke(this);
    }

    private NamespaceState Weigh(NamespaceState seen)
    {
        // Once the namespace was seen, or seen to be gone, a missing answer does not keep what still goes there.
        if (!_state.IsUnknown)
            seen = seen with { IsUnknown = false };
        if (!seen.IsFault)
        {
            _faultSince = null;
            return seen;
        }
        long now = Environment.TickCount64;
        long creation = (long)s_creation.TotalMilliseconds;
        // What is faulty at the first probe is not just being created.
        _faultSince ??= _probed.Task.IsCompleted ? now : now - creation;
        return seen with { IsFault = now - _faultSince >= creation };
    }

    private NamespaceState Observe()
    {
        if (resolver.Resolve(out NamespaceState absent) is not { } network)
            return absent;
        int socket = network.OpenSocket(Libc.AF_UNIX, Libc.SOCK_STREAM, out ulong cookie, out EnterFailure failure);
        Libc.Close(socket);
        if (socket >= 0)
            return new NamespaceState(cookie, "", false);
        // A shortage of descriptors shows nothing about the namespace.
        if (failure.IsExhaustion)
            return _state;
        var state = new NamespaceState(0, network.Explain(failure), !failure.IsAbsent);
        return failure.LacksPrivilege ? state with { Fault = NamespaceFault.Forbidden } : state;
    }
}
