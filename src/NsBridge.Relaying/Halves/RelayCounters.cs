namespace NsBridge.Relaying.Halves;

/// <summary>Counters of one bridge on one loop. Only the loop writes; any thread may read.</summary>
public sealed class RelayCounters
{
    private long _active;
    private long _parked;
    private long _toTarget;
    private long _toClient;

    /// <summary>Relays or flows that run now.</summary>
    public long Active => Volatile.Read(ref _active);

    /// <summary>Clients that wait for a missing target now.</summary>
    public long Parked => Volatile.Read(ref _parked);

    /// <summary>Bytes that the targets' sockets took.</summary>
    public long BytesToTarget => Volatile.Read(ref _toTarget);

    /// <summary>Bytes that the clients' sockets took.</summary>
    public long BytesToClient => Volatile.Read(ref _toClient);

    internal void AddActive(int change) => Volatile.Write(ref _active, _active + change);

    public void AddParked(int change) => Volatile.Write(ref _parked, _parked + change);

    internal void AddToTarget(long bytes) => Volatile.Write(ref _toTarget, _toTarget + bytes);

    internal void AddToClient(long bytes) => Volatile.Write(ref _toClient, _toClient + bytes);
}
