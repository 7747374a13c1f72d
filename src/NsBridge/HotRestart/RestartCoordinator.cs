using Microsoft.Extensions.Logging;
using NsBridge.Linux;
using NsBridge.Linux.Interop;
using NsBridge.Systemd;

namespace NsBridge.HotRestart;

/// <summary>
/// How one process of the service follows another without a client noticing: takes up what the one before has left, keeps the listening
/// sockets where a crash does not reach them, and leaves everything to the next one when the service is restarted.
/// </summary>
internal sealed partial class RestartCoordinator : IDisposable
{
    private readonly SnapshotStore _shelf;
    private readonly ILogger<RestartCoordinator> _log;
    private readonly Dictionary<string, List<ConnectionSnapshot>> _connections = [];
    private HashSet<ulong>? _shelved;
    private bool _isShelfTold;
    private int _listeners;
    private int _taken;

    public RestartCoordinator(SnapshotStore shelf, ILogger<RestartCoordinator> log)
    {
        _shelf = shelf;
        _log = log;
    }

    /// <summary>For bridges that nobody restarts.</summary>
    public static RestartCoordinator None(ILoggerFactory logging) => new(new SnapshotStore(null), logging.CreateLogger<RestartCoordinator>());

    /// <summary>Whether the process before has left anything.</summary>
    public bool HasTakenUp => _listeners > 0 || _connections.Count > 0;

    /// <summary>Takes up what lies in the descriptors that came from the manager's store. Call once, before anything is bound.</summary>
    /// <param name="parcels">Descriptors whose names begin with <see cref="SnapshotStore.NamePrefix"/>; owned from here on.</param>
    /// <param name="kept">Gets the listening sockets.</param>
    public void Restore(IReadOnlyList<ActivationFd> parcels, InheritedListeners kept)
    {
        RestartSnapshot newest = RestartSnapshot.Empty;
        long newestMoment = long.MinValue;
        foreach (ActivationFd stored in parcels)
        {
            Libc.SetCloseOnExec(stored.Descriptor);
            RestartSnapshot? parcel = SnapshotChannel.Receive(stored.Descriptor, out long moment, out string? fault);
            Libc.Close(stored.Descriptor);
            if (fault is not null)
                Dropped(fault);
            if (parcel is null)
                continue;
            // Where a crash came between two of them, the older one holds what was closed since.
            RestartSnapshot older = moment > newestMoment ? newest : parcel;
            if (moment > newestMoment)
                (newest, newestMoment) = (parcel, moment);
            foreach (int descriptor in older.Descriptors())
                OrphanDescriptor.Close(descriptor);
        }
        _shelf.Supersede(parcels.Select(stored => stored.Name));
        foreach (ListenerSnapshot listener in newest.Listeners)
            kept.Keep(listener);
        _listeners = newest.Listeners.Count;
        foreach (IGrouping<string, ConnectionSnapshot> group in newest.Connections.GroupBy(connection => connection.Bridge))
            _connections.Add(group.Key, [.. group]);
    }

    /// <summary>The connections that a bridge of the process before had. To be resumed one by one; <see cref="End"/> is for those that do not fit.</summary>
    public IReadOnlyList<ConnectionSnapshot> Claim(string bridge)
    {
        if (!_connections.Remove(bridge, out List<ConnectionSnapshot>? connections))
            return [];
        _taken += connections.Count;
        return connections;
    }

    /// <summary>Ends a connection that fits nowhere any more.</summary>
    public void End(ConnectionSnapshot connection)
    {
        _taken--;
        connection.Reset();
    }

    /// <summary>Ends what no bridge has claimed, and tells what was taken up.</summary>
    public void Finish()
    {
        int ended = 0;
        foreach (string bridge in _connections.Keys.ToArray())
        {
            foreach (ConnectionSnapshot connection in Claim(bridge))
            {
                End(connection);
                ended++;
            }
        }
        if (_listeners > 0 || _taken > 0 || ended > 0)
            TakenUp(_listeners, _taken, ended);
    }

    /// <summary>Leaves to the next process what was taken up and no bridge has claimed.</summary>
    /// <param name="kept">The listening sockets of it; they are the next process's then.</param>
    public async Task GiveBackAsync(InheritedListeners kept)
    {
        if (!HasTakenUp)
            return;
        // A place for it: that in which it came is empty.
        await ShelveAsync(kept.All());
        Leave(new RestartSnapshot(kept.All(), [.. _connections.Values.SelectMany(connections => connections)]));
        kept.Forget();
        _connections.Clear();
    }

    /// <summary>
    /// Puts the listening sockets where a crash does not reach them, unless they lie there already. Those of other namespaces are left out: while
    /// nobody runs who sees their namespace go, they would keep it alive.
    /// </summary>
    /// <returns>False where they could not be put there, which is to be tried again.</returns>
    public async Task<bool> ShelveAsync(IEnumerable<ListenerSnapshot> listeners)
    {
        ListenerSnapshot[] wanted = [.. listeners.Where(listener => Libc.NetworkNamespaceCookie(listener.Descriptor) == NetworkNamespace.OwnCookie)];
        HashSet<ulong> sockets = [.. wanted.Select(listener => Libc.SocketCookie(listener.Descriptor))];
        if (_shelved is not null && _shelved.SetEquals(sockets))
            return true;
        int result = await _shelf.PutAsync(wanted);
        if (result < 0)
        {
            if (!_isShelfTold)
                NotShelved(Libc.ErrorOf(result));
            _isShelfTold = true;
            return false;
        }
        _shelved = sockets;
        _isShelfTold = false;
        return true;
    }

    /// <summary>Whether another process of the service is about to follow this one, and what is left to it will reach it.</summary>
    public async Task<bool> IsFollowedAsync() => _shelf.IsKept && await SystemdStopJob.LocateAsync() != false;

    /// <summary>Leaves everything to the next process; connections that cannot be left are reset.</summary>
    public void Leave(RestartSnapshot parcel)
    {
        int result = _shelf.Leave(parcel);
        if (result >= 0)
        {
            Left(parcel.Listeners.Count, parcel.Connections.Count);
            return;
        }
        NotLeft(Libc.ErrorOf(result));
        // Closed by the kernel at the end of the process, they would look as if they had come to their own end.
        foreach (ConnectionSnapshot connection in parcel.Connections)
            connection.Reset();
    }

    /// <summary>Nobody follows: the manager closes what it keeps.</summary>
    public Task WithdrawAsync() => _shelf.ClearAsync();

    public void Dispose() => _shelf.Dispose();

    [LoggerMessage(EventId = 1401, Level = LogLevel.Information,
        Message = "Took up {Listeners} listening sockets and {Connections} connections of the process before; {Ended} connections fit nowhere any more and were ended")]
    private partial void TakenUp(int listeners, int connections, int ended);

    [LoggerMessage(EventId = 1402, Level = LogLevel.Warning, Message = "What the process before has left cannot be taken up: {Fault}. Its connections are ended")]
    private partial void Dropped(string fault);

    [LoggerMessage(EventId = 1403, Level = LogLevel.Information, Message = "{Listeners} listening sockets and {Connections} connections go to the next process")]
    private partial void Left(int listeners, int connections);

    [LoggerMessage(EventId = 1404, Level = LogLevel.Error, Message = "The connections cannot be left to the next process ({Error}) and are reset")]
    private partial void NotLeft(Errno error);

    [LoggerMessage(EventId = 1405, Level = LogLevel.Warning,
        Message = "The service manager cannot be given what the next process goes on with ({Error}): until it can, a restart ends connections and a crash refuses clients")]
    private partial void NotShelved(Errno error);
}
