using System.Diagnostics;
using System.Globalization;
using NsBridge.Linux.Interop;
using NsBridge.Systemd;

namespace NsBridge.HotRestart;

/// <summary>
/// What lies ready for the next process of the service. The listening sockets do from the start, so that a crash refuses no client; the
/// connections are added when a restart begins. The manager keeps a single descriptor for all of it.
/// </summary>
/// <param name="store">The manager's store; null where there is none, and nothing is kept.</param>
internal sealed class SnapshotStore(FdStore? store) : IDisposable
{
    /// <summary>How names of parcels begin. A bridge's name cannot begin so.</summary>
    public const string NamePrefix = "_parcel-";

    /// <summary>The manager answers in well under a millisecond; one that is busy or gone must not hold a stop or a reload up.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(500);

    private readonly List<string> _inherited = [];
    private int _queue = -1;
    private string? _name;
    private int _count;

    /// <summary>Whether the manager keeps what it was given: one without a store closes it, and our end of the pair shows that.</summary>
    public bool IsKept => _queue >= 0 && Libc.Receive(_queue, stackalloc byte[1]) == -(nint)(int)Errno.EAGAIN;

    /// <summary>Names under which the manager keeps what this process has taken up: to be removed once something newer lies there.</summary>
    public void Supersede(IEnumerable<string> names) => _inherited.AddRange(names);

    /// <summary>Puts listening sockets there in place of all that lay there before.</summary>
    /// <returns>0, or a negated error: what lay there before then still does.</returns>
    public async Task<int> PutAsync(IReadOnlyList<ListenerSnapshot> listeners)
    {
        if (store is null)
            return 0;
        int result = SnapshotChannel.Make(out int queue, out int kept);
        if (result < 0)
            return result;
        string name = string.Create(CultureInfo.InvariantCulture, $"{NamePrefix}{Environment.ProcessId}-{++_count}");
        // First the parcel and then its place: what the manager has is complete at any moment.
        result = SnapshotChannel.Send(queue, new RestartSnapshot(listeners, []), Stopwatch.GetTimestamp());
        if (result >= 0)
            result = store.Put(name, kept);
        Libc.Close(kept);
        string[] older = _name is null ? [.. _inherited] : [.. _inherited, _name];
        if (result < 0)
        {
            Libc.Close(queue);
            return result;
        }
        _inherited.Clear();
        CloseQueue();
        (_queue, _name) = (queue, name);
        await RemoveAsync(older);
        return 0;
    }

    /// <summary>Leaves everything to the next process.</summary>
    /// <returns>0, or a negated error.</returns>
    public int Leave(RestartSnapshot parcel) => SnapshotChannel.Send(_queue, parcel, Stopwatch.GetTimestamp());

    /// <summary>Takes away what lies there: nobody comes who could take it up.</summary>
    public async Task ClearAsync()
    {
        if (store is null || _name is null)
            return;
        CloseQueue();
        await RemoveAsync([.. _inherited, _name]);
        _name = null;
    }

    // Waits for the manager: a socket that was closed here is closed for good, and its port free, when it has closed it too.
    private async Task RemoveAsync(string[] names)
    {
        if (names.Length == 0)
            return;
        foreach (string name in names)
            store!.Remove(name);
        await store!.SyncAsync(s_patience);
    }

    private void CloseQueue()
    {
        if (_queue >= 0)
            Libc.Close(_queue);
        _queue = -1;
    }

    public void Dispose() => CloseQueue();
}
