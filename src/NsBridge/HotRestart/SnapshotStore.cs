using System.Diagnostics;
using System.Globalization;
using NsBridge.Linux.Interop;
using NsBridge.Systemd;

namespace NsBridge.HotRestart;

/// <summary>What the service manager stores for the next process, as a single descriptor: the listening sockets from the start, so that a
/// crash refuses no client; the connections when a restart begins.</summary>
/// <param name="store">The manager's store; null if there is none, and nothing is stored.</param>
internal sealed class SnapshotStore(FdStore? store) : IDisposable
{
    /// <summary>How the names of snapshots begin. No bridge's name begins so, and older versions use the same.</summary>
    public const string NamePrefix = "_parcel-";

    /// <summary>The manager answers in well under a millisecond; a busy or dead one must not delay a stop or a reload.</summary>
    private static readonly TimeSpan s_syncTimeout = TimeSpan.FromMilliseconds(500);

    private readonly List<string> _older = [];
    private int _queue = -1;
    private string? _name;
    private int _count;

    /// <summary>Whether the manager holds what it was given: one without a store closes it, which closes our end of the pair.</summary>
    public bool IsHeld => _queue >= 0 && Libc.Receive(_queue, stackalloc byte[1]) == -(nint)(int)Errno.EAGAIN;

    /// <summary>Names that the manager still holds of the previous process: to be removed once something newer is stored.</summary>
    public void Supersede(IEnumerable<string> names) => _older.AddRange(names);

    /// <summary>Stores listening sockets in place of everything stored before.</summary>
    /// <returns>0, or a negated error; then what was stored before still is.</returns>
    public async Task<int> PutAsync(IReadOnlyList<ListenerSnapshot> listeners)
    {
        if (store is null)
            return 0;
        int result = SnapshotChannel.Make(out int queue, out int stored);
        if (result < 0)
            return result;
        string name = string.Create(CultureInfo.InvariantCulture, $"{NamePrefix}{Environment.ProcessId}-{++_count}");
        // The snapshot before its descriptor: what the manager holds is complete at any moment.
        result = SnapshotChannel.Send(queue, new RestartSnapshot(listeners, []), Stopwatch.GetTimestamp());
        if (result >= 0)
            result = store.Put(name, stored);
        Libc.Close(stored);
        if (result < 0)
        {
            Libc.Close(queue);
            return result;
        }
        string? before = _name;
        CloseQueue();
        (_queue, _name) = (queue, name);
        await RemoveAsync(before);
        return 0;
    }

    /// <summary>Leaves everything to the next process.</summary>
    /// <returns>0, or a negated error.</returns>
    public int HandOver(RestartSnapshot snapshot) => SnapshotChannel.Send(_queue, snapshot, Stopwatch.GetTimestamp());

    /// <summary>Removes everything stored: no process follows.</summary>
    public async Task ClearAsync()
    {
        if (store is null || _name is not { } name)
            return;
        CloseQueue();
        _name = null;
        await RemoveAsync(name);
    }

    /// <remarks>Waits for the manager: a port is free only when the manager has closed its copy of the socket too.</remarks>
    private async Task RemoveAsync(string? name)
    {
        string[] names = name is null ? [.. _older] : [.. _older, name];
        _older.Clear();
        if (names.Length == 0)
            return;
        foreach (string one in names)
            store!.Remove(one);
        await store!.SyncAsync(s_syncTimeout);
    }

    private void CloseQueue()
    {
        Libc.Close(_queue);
        _queue = -1;
    }

    public void Dispose() => CloseQueue();
}
