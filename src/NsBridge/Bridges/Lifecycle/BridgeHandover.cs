using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;
using NsBridge.HotRestart;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Namespaces;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Lifecycle;

/// <summary>Passes sockets and connections from a bridge to the next one of its name: in the next process, or after a reload in this
/// one.</summary>
internal sealed class BridgeHandover(Bridge bridge, BridgeClients clients)
{
    private BridgeSettings Settings => bridge.Settings;

    /// <summary>The listening sockets that the bridge has bound itself; they stay its own.</summary>
    public async Task<IEnumerable<ListenerSnapshot>> ListenersAsync() =>
    [
        .. bridge.Inner is { } inner ? await inner.ListenersAsync() : [],
        .. bridge.Outer is { } outer ? await outer.ListenersAsync() : [],
    ];

    /// <summary>Stops the connections at a message boundary and gives them away. The bridge has to be unbound.</summary>
    public async Task<IEnumerable<ConnectionSnapshot>> SuspendAsync() =>
    [
        // The outer half first: clients that it passes on now are then among the inner half's.
        .. bridge.Outer is IConnectionCarrier outer ? await outer.SuspendAsync() : [],
        .. bridge.Inner is IConnectionCarrier inner ? await inner.SuspendAsync() : [],
    ];

    /// <summary>Gives away the clients without a target, whose way the next bridge of the name decides. The bridge has to be unbound. The
    /// limits count these clients until that bridge resumes them, or <see cref="Reject"/> resets them.</summary>
    public async Task<IReadOnlyList<ConnectionSnapshot>> ReleasePendingAsync()
    {
        ConnectionSnapshot[] pending =
        [
            // In the same order as in SuspendAsync.
            .. bridge.Outer is IConnectionCarrier outer ? await outer.ReleasePendingAsync() : [],
            .. bridge.Inner is IConnectionCarrier inner ? await inner.ReleasePendingAsync() : [],
        ];
        foreach (ConnectionSnapshot connection in pending.Where(connection => connection.Role != ConnectionRole.InnerLeg))
            clients.GiveAway(connection.Relay.Peer);
        return pending;
    }

    /// <summary>Resets a client of <see cref="ReleasePendingAsync"/> that no bridge resumes.</summary>
    public void Reject(ConnectionSnapshot pending)
    {
        pending.Reset();
        if (pending.Role != ConnectionRole.InnerLeg)
            clients.Drop(pending.Relay.Peer);
    }

    /// <summary>Continues connections of the previous process, or clients of the previous bridge.</summary>
    /// <param name="carried">What was given away.</param>
    /// <param name="areIn">Whether this process has admitted them, so that the limits count them already.</param>
    /// <returns>Those for which the bridge, or its namespace, has changed too much; they remain the caller's.</returns>
    public async Task<IEnumerable<ConnectionSnapshot>> ResumeAsync(IReadOnlyList<ConnectionSnapshot> carried, bool areIn = false)
    {
        NamespaceState? inside = bridge.TargetNamespace;
        ILookup<bool, ConnectionSnapshot> fitting = carried.ToLookup(connection => Fits(connection, inside));
        List<ConnectionSnapshot> inner = [.. fitting[true].Where(connection => connection.IsInner)];
        List<ConnectionSnapshot> outer = [.. fitting[true].Where(connection => !connection.IsInner)];
        HashSet<ulong> origins = [.. fitting[true].Where(connection => connection.Relay.ClientKind == SocketKind.Tcp)
            .Select(connection => Libc.NetworkNamespaceCookie(connection.Relay.Client))];
        foreach (ConnectionSnapshot connection in fitting[true])
        {
            connection.Arrive();
            if (connection.Role != ConnectionRole.InnerLeg)
                clients.Restore(connection.Relay.Peer, areIn);
        }
        if (inner.Count > 0 && bridge.Inner is IConnectionCarrier innerHalf)
            await innerHalf.ResumeAsync(inner);
        IReadOnlyList<ConnectionSnapshot> refused = [];
        if (outer.Count > 0 && bridge.Outer is IConnectionCarrier outerHalf)
            refused = await outerHalf.ResumeAsync(outer);
        foreach (ConnectionSnapshot connection in refused)
            clients.OnEnded(connection.Relay.Peer, new RelayOutcome(EndReason.Aborted), 0, 0, connection.Age);
        // A change of the namespace while they were between loops reached none of them.
        bridge.ApplyTargetNamespace();
        // The daemon's own namespace never goes: clients from it stay, whichever listener they came by.
        origins.Remove(NetworkNamespace.OwnCookie);
        if (origins.Count > 0 && bridge.Outer is IOuterCarrier carrier)
            carrier.TrackClientNamespaces(origins);
        return fitting[false].Concat(refused);
    }

    private bool Fits(ConnectionSnapshot connection, NamespaceState? inside)
    {
        if (!Settings.Enabled || (connection.IsInner ? bridge.Inner is not IConnectionCarrier : bridge.Outer is not IConnectionCarrier))
            return false;
        if (!connection.HasTarget)
            return true;
        ulong cookie = Libc.NetworkNamespaceCookie(connection.Relay.Target);
        // While the namespace is unknown they are resumed; the first answer ends those that do not fit.
        bool mayDrain = Settings.WhenNamespaceGoes == WhenNamespaceGoes.Drain || inside is { IsUnknown: true };
        return cookie == connection.Relay.Cookie && (!connection.IsInner || mayDrain || cookie == inside!.Cookie);
    }
}
