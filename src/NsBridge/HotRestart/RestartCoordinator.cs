using Microsoft.Extensions.Logging;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Systemd;

namespace NsBridge.HotRestart;

/// <summary>Replaces one process of the service by the next without a client noticing: restores what the previous process left, stores the
/// listening sockets so that they survive a crash, and hands everything over when the service is restarted.</summary>
internal sealed partial class RestartCoordinator(SnapshotStore store, ILogger<RestartCoordinator> log) : IDisposable
{
    private readonly Dictionary<string, List<ConnectionSnapshot>> _connections = [];
    private HashSet<ulong>? _stored;
    private bool _isStoreFaultLogged;
    private int _listeners;
    private int _claimed;

    /// <summary>Whether the previous process left anything.</summary>
    public bool HasRestored => _listeners > 0 || _connections.Count > 0;

    /// <summary>Restores the snapshots from the manager's store. Call once, before anything is bound.</summary>
    /// <param name="stored">Descriptors whose names begin with <see cref="SnapshotStore.NamePrefix"/>; owned from here on.</param>
    /// <param name="inherited">Gets the listening sockets.</param>
    public void Restore(IReadOnlyList<ActivationFd> stored, InheritedListeners inherited)
    {
        RestartSnapshot newest = RestartSnapshot.Empty;
        long newestMoment = long.MinValue;
        foreach ((int descriptor, string name) in stored)
        {
            // LISTEN_FDS may be wrong, and the number that of a file which this process has opened by itself.
            if (!Libc.IsInheritable(descriptor))
            {
                DroppedLog($"{name} is no descriptor that the service manager handed over");
                continue;
            }
            Libc.SetCloseOnExec(descriptor);
            RestartSnapshot? snapshot = SnapshotChannel.Receive(descriptor, out long moment, out string? fault);
            Libc.Close(descriptor);
            if (fault is not null)
                DroppedLog(fault);
            if (snapshot is null)
                continue;
            // There are two after a crash between storing one and removing the other; the older one holds sockets that were closed since.
            RestartSnapshot older = moment > newestMoment ? newest : snapshot;
            if (moment > newestMoment)
                (newest, newestMoment) = (snapshot, moment);
            foreach (int orphan in older.Descriptors())
                OrphanDescriptor.Close(orphan);
        }
        store.Supersede(stored.Select(one => one.Name));
        foreach (ListenerSnapshot listener in newest.Listeners)
            inherited.Keep(listener);
        _listeners = newest.Listeners.Count;
        foreach (IGrouping<string, ConnectionSnapshot> group in newest.Connections.GroupBy(connection => connection.Bridge))
            _connections.Add(group.Key, [.. group]);
    }

    /// <summary>The restored connections of a bridge, to be resumed one by one; <see cref="End"/> is for those that do not fit.</summary>
    public IReadOnlyList<ConnectionSnapshot> Claim(string bridge)
    {
        if (!_connections.Remove(bridge, out List<ConnectionSnapshot>? connections))
            return [];
        _claimed += connections.Count;
        return connections;
    }

    /// <summary>Ends a connection that no bridge can go on with.</summary>
    public void End(ConnectionSnapshot connection)
    {
        _claimed--;
        connection.Reset();
    }

    /// <summary>Ends the connections that no bridge claimed, and logs what was restored.</summary>
    public void Finish()
    {
        int ended = 0;
        foreach (ConnectionSnapshot connection in _connections.Keys.ToArray().SelectMany(Claim))
        {
            End(connection);
            ended++;
        }
        if (_listeners > 0 || _claimed > 0 || ended > 0)
            RestoredLog(_listeners, _claimed, ended);
    }

    /// <summary>Leaves what was restored and no bridge claimed to the next process, which may come late or never: listening sockets of
    /// other namespaces are closed, as <see cref="StoreAsync"/> leaves them out. <see cref="HandOver"/> passes them on, because its process
    /// follows at once.</summary>
    /// <param name="inherited">The restored listening sockets; the next process's from here on.</param>
    public async Task GiveBackAsync(InheritedListeners inherited)
    {
        if (!HasRestored)
            return;
        inherited.CloseAllBut(IsInOwnNamespace);
        // The queue it came in is closed: this makes another.
        await StoreAsync(inherited.All());
        HandOver(new RestartSnapshot(inherited.All(), [.. _connections.Values.SelectMany(connections => connections)]));
        inherited.Forget();
        _connections.Clear();
    }

    /// <summary>Stores the listening sockets unless they are stored already. Those of other namespaces are left out: a stored socket would
    /// keep its namespace alive while no process watches it.</summary>
    /// <returns>False if it failed; try again later.</returns>
    public async Task<bool> StoreAsync(IEnumerable<ListenerSnapshot> listeners)
    {
        ListenerSnapshot[] own = [.. listeners.Where(IsInOwnNamespace)];
        HashSet<ulong> sockets = [.. own.Select(listener => Libc.SocketCookie(listener.Descriptor))];
        if (_stored is not null && _stored.SetEquals(sockets))
            return true;
        int result = await store.PutAsync(own);
        if (result >= 0)
            _stored = sockets;
        else if (!_isStoreFaultLogged)
            NotStoredLog(Libc.ErrorOf(result));
        _isStoreFaultLogged = result < 0;
        return result >= 0;
    }

    private static bool IsInOwnNamespace(ListenerSnapshot listener) =>
        Libc.NetworkNamespaceCookie(listener.Descriptor) == NetworkNamespace.OwnCookie;

    /// <summary>Whether another process of the service follows this one, and the store will reach it.</summary>
    public async Task<bool> IsFollowedAsync() => store.IsHeld && await SystemdStopJob.AskAsync() != false;

    /// <summary>Leaves everything to the next process; if that fails, connections are reset.</summary>
    public void HandOver(RestartSnapshot snapshot)
    {
        int result = store.HandOver(snapshot);
        if (result >= 0)
        {
            HandedOverLog(snapshot.Listeners.Count, snapshot.Connections.Count);
            return;
        }
        NotHandedOverLog(Libc.ErrorOf(result));
        // If the kernel closed them at the end of the process, it would look like their regular end.
        foreach (ConnectionSnapshot connection in snapshot.Connections)
            connection.Reset();
    }

    /// <summary>No process follows: the manager closes what it holds.</summary>
    public Task WithdrawAsync() => store.ClearAsync();

    public void Dispose() => store.Dispose();

    [LoggerMessage(EventId = 1401, Level = LogLevel.Information,
        Message = "Took over {Listeners} listening sockets and {Connections} connections of the previous process; " +
            "{Ended} connections fit no bridge and were ended")]
    private partial void RestoredLog(int listeners, int connections, int ended);

    [LoggerMessage(EventId = 1402, Level = LogLevel.Warning,
        Message = "What the previous process left cannot be taken over: {Fault}. Its connections are ended")]
    private partial void DroppedLog(string fault);

    [LoggerMessage(EventId = 1403, Level = LogLevel.Information,
        Message = "{Listeners} listening sockets and {Connections} connections go to the next process")]
    private partial void HandedOverLog(int listeners, int connections);

    [LoggerMessage(EventId = 1404, Level = LogLevel.Error,
        Message = "The connections cannot be left to the next process ({Error}) and are reset")]
    private partial void NotHandedOverLog(Errno error);

    [LoggerMessage(EventId = 1405, Level = LogLevel.Warning,
        Message = "The service manager cannot store the listening sockets ({Error}): " +
        "until it can, a restart ends connections and a crash refuses clients")]
    private partial void NotStoredLog(Errno error);
}
