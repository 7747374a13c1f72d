using NsBridge.Configuration.Values;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges;

// What passes from the bridge to the one that follows it: in the next process, or by a reload in this one.
internal sealed partial class Bridge
{
    /// <summary>What it listens on and has bound by itself; stays its own.</summary>
    public async Task<IEnumerable<ListenerSnapshot>> ListenersAsync() =>
    [
        .. _inner is null ? [] : await _inner.ListenersAsync(),
        .. _outer is null ? [] : await _outer.ListenersAsync(),
    ];

    /// <summary>Brings its connections to rest and gives them away. It has to be unbound.</summary>
    public async Task<IEnumerable<ConnectionSnapshot>> SuspendAsync() =>
    [
        // The outer half first: what it still hands over is then with the inner one.
        .. _outer is null ? [] : await _outer.SuspendAsync(),
        .. _inner is null ? [] : await _inner.SuspendAsync(),
    ];

    /// <summary>
    /// Gives away its clients who have no target yet: where they are to be taken is not for this bridge to say any more. It has to be unbound. They stay
    /// counted among those who are in, until the next bridge of its name goes on with them or <see cref="Reject"/> ends them.
    /// </summary>
    public async Task<IReadOnlyList<ConnectionSnapshot>> ReleasePendingAsync()
    {
        ConnectionSnapshot[] waiting =
        [
            // In this order, as above.
            .. _outer is null ? [] : await _outer.ReleasePendingAsync(),
            .. _inner is null ? [] : await _inner.ReleasePendingAsync(),
        ];
        foreach (ConnectionSnapshot connection in waiting.Where(connection => connection.Role != ConnectionRole.InnerLeg))
            CountOut(connection.Relay.Peer);
        return waiting;
    }

    /// <summary>Resets a client of <see cref="ReleasePendingAsync"/> whom nobody is to take anywhere.</summary>
    public void Reject(ConnectionSnapshot waiting)
    {
        waiting.Reset();
        if (waiting.Role == ConnectionRole.InnerLeg)
            return;
        _admission.Release(waiting.Relay.Peer);
        _log.Ended(waiting.Relay.Peer, new RelayOutcome(EndReason.Aborted), 0, 0);
    }

    /// <summary>Goes on with connections of the process before, or with clients of the bridge before.</summary>
    /// <param name="carried">What was given away.</param>
    /// <param name="areIn">Whether this process has let them in, so that they count already.</param>
    /// <returns>Those for which the bridge, or its namespace, has changed too much; they are still the caller's.</returns>
    public async Task<IEnumerable<ConnectionSnapshot>> ResumeAsync(IReadOnlyList<ConnectionSnapshot> carried, bool areIn = false)
    {
        NamespaceState? inside = _place?.State;
        ILookup<bool, ConnectionSnapshot> fitting = carried.ToLookup(connection => Fits(connection, inside));
        List<ConnectionSnapshot> inner = [.. fitting[true].Where(connection => connection.IsInner)];
        List<ConnectionSnapshot> outer = [.. fitting[true].Where(connection => !connection.IsInner)];
        HashSet<ulong> origins = [.. fitting[true].Where(connection => connection.Relay.ClientKind == SocketKind.Tcp)
            .Select(connection => Libc.NetworkNamespaceCookie(connection.Relay.Client))];
        foreach (ConnectionSnapshot connection in fitting[true])
        {
            connection.Arrive();
            if (connection.Role == ConnectionRole.InnerLeg)
                continue;
            if (!areIn)
                _admission.Restore(connection.Relay.Peer);
            CountIn(connection.Relay.Peer);
        }
        if (inner.Count > 0)
            await _inner!.ResumeAsync(inner);
        IReadOnlyList<ConnectionSnapshot> refused = outer.Count > 0 ? await _outer!.ResumeAsync(outer) : [];
        foreach (ConnectionSnapshot connection in refused)
            OnEnded(connection.Relay.Peer, new RelayOutcome(EndReason.Aborted), 0, 0);
        // What was told while they were on their way to their loops, those there did not hear.
        if (_place is not null)
            ApplyNamespaceState();
        // The daemon's own never goes: whoever came there by a listener of this bridge, when it had another place, or by that of another daemon stays.
        origins.Remove(NetworkNamespace.OwnCookie);
        if (origins.Count > 0)
            _outer?.TrackClientNamespaces(origins);
        return fitting[false].Concat(refused);
    }

    private bool Fits(ConnectionSnapshot connection, NamespaceState? inside)
    {
        if (!_settings.Enabled || IsUdp || (connection.IsInner ? _inner is null : _outer is null))
            return false;
        if (!connection.HasTarget)
            return true;
        ulong cookie = Libc.NetworkNamespaceCookie(connection.Relay.Target);
        // Where nobody can tell yet which namespace it is, the first answer ends what does not fit.
        return cookie == connection.Relay.Cookie
            && (!connection.IsInner || _settings.WhenNamespaceGoes == WhenNamespaceGoes.Drain || inside is { IsUnknown: true } || cookie == inside!.Cookie);
    }
}
