using NsBridge.Configuration.Values;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges;

// What passes from the bridge to the one that follows it: in the next process, or by a reload in this one.
internal sealed partial class Bridge
{
    /// <summary>What it listens on and has bound by itself; stays its own.</summary>
    public async Task<IEnumerable<CarriedListener>> ListenersAsync() =>
    [
        .. _inner is null ? [] : await _inner.ListenersAsync(),
        .. _outer is null ? [] : await _outer.ListenersAsync(),
    ];

    /// <summary>Brings its connections to rest and gives them away. It has to be unbound.</summary>
    public async Task<IEnumerable<CarriedConnection>> SuspendAsync() =>
    [
        // The outer half first: what it still hands over is then with the inner one.
        .. _outer is null ? [] : await _outer.SuspendAsync(),
        .. _inner is null ? [] : await _inner.SuspendAsync(),
    ];

    /// <summary>
    /// Gives away its clients who have no target yet: where they are to be taken is not for this bridge to say any more. It has to be unbound. They stay
    /// counted among those who are in, until the next bridge of its name goes on with them or <see cref="TurnAway"/> ends them.
    /// </summary>
    public async Task<IReadOnlyList<CarriedConnection>> TakeWaitingAsync()
    {
        CarriedConnection[] waiting =
        [
            // In this order, as above.
            .. _outer is null ? [] : await _outer.TakeWaitingAsync(),
            .. _inner is null ? [] : await _inner.TakeWaitingAsync(),
        ];
        foreach (CarriedConnection connection in waiting.Where(connection => connection.Role != CarriedRole.InnerLeg))
            CountOut(connection.Relay.Peer);
        return waiting;
    }

    /// <summary>Resets a client of <see cref="TakeWaitingAsync"/> whom nobody is to take anywhere.</summary>
    public void TurnAway(CarriedConnection waiting)
    {
        waiting.Reset();
        if (waiting.Role == CarriedRole.InnerLeg)
            return;
        _admission.Release(waiting.Relay.Peer);
        _log.Ended(waiting.Relay.Peer, new RelayOutcome(RelayEnding.Aborted), 0, 0);
    }

    /// <summary>Goes on with connections of the process before, or with clients of the bridge before.</summary>
    /// <param name="carried">What was given away.</param>
    /// <param name="areIn">Whether this process has let them in, so that they count already.</param>
    /// <returns>Those for which the bridge, or its namespace, has changed too much; they are still the caller's.</returns>
    public async Task<IEnumerable<CarriedConnection>> ResumeAsync(IReadOnlyList<CarriedConnection> carried, bool areIn = false)
    {
        NamespaceState? inside = _place?.State;
        ILookup<bool, CarriedConnection> fitting = carried.ToLookup(connection => Fits(connection, inside));
        List<CarriedConnection> inner = [.. fitting[true].Where(connection => connection.IsInner)];
        List<CarriedConnection> outer = [.. fitting[true].Where(connection => !connection.IsInner)];
        HashSet<ulong> origins = [.. fitting[true].Where(connection => connection.Relay.ClientKind == EndKind.Tcp)
            .Select(connection => Libc.NetworkNamespaceCookie(connection.Relay.Client))];
        foreach (CarriedConnection connection in fitting[true])
        {
            connection.Arrive();
            if (connection.Role == CarriedRole.InnerLeg)
                continue;
            if (!areIn)
                _admission.Restore(connection.Relay.Peer);
            CountIn(connection.Relay.Peer);
        }
        if (inner.Count > 0)
            await _inner!.ResumeAsync(inner);
        IReadOnlyList<CarriedConnection> refused = outer.Count > 0 ? await _outer!.ResumeAsync(outer) : [];
        foreach (CarriedConnection connection in refused)
            OnEnded(connection.Relay.Peer, new RelayOutcome(RelayEnding.Aborted), 0, 0);
        // What was told while they were on their way to their loops, those there did not hear.
        if (_place is not null)
            FollowPlace();
        // The daemon's own never goes: whoever came there by a listener of this bridge, when it had another place, or by that of another daemon stays.
        origins.Remove(NetworkNamespace.OwnCookie);
        if (origins.Count > 0)
            _outer?.FollowClientsOf(origins);
        return fitting[false].Concat(refused);
    }

    private bool Fits(CarriedConnection connection, NamespaceState? inside)
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
