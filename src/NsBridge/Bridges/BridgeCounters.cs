using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges;

/// <summary>The histogram buckets for the time to reach a target.</summary>
/// <remarks>From a service in a namespace of the same machine (tens of microseconds) to the default of <c>ConnectTimeout</c>. They are
/// part of the metric's meaning and do not change: recordings of different years are compared.</remarks>
internal static class ConnectBuckets
{
    private static readonly long[] s_upperBounds =
        [100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000];

    /// <summary>The longest time of each bucket in microseconds, ascending. One more bucket counts everything beyond the last.</summary>
    public static ReadOnlySpan<long> UpperBoundsMicroseconds => s_upperBounds;

    /// <summary>The same in seconds.</summary>
    public static IReadOnlyList<double> UpperBounds { get; } =
        Array.ConvertAll(UpperBoundsMicroseconds.ToArray(), microseconds => microseconds / 1e6);
}

/// <summary>The clients in a row that could not reach the target.</summary>
/// <param name="At">When the last one failed.</param>
/// <param name="Reason">Why it failed.</param>
/// <param name="Count">How many failed since the last client that reached the target.</param>
internal sealed record ClientFailure(DateTimeOffset At, string Reason, long Count);

/// <summary>The counters of a bridge since the daemon started. Any thread counts and reads.</summary>
internal sealed class BridgeCounters
{
    private readonly long[] _buckets = new long[ConnectBuckets.UpperBoundsMicroseconds.Length + 1];
    private readonly long[] _ended = new long[Enum.GetValues<EndReason>().Length];
    private readonly RelayCounters[] _relays;
    private long _active;
    private long _total;
    private long _refused;
    private long _failed;
    private long _connectMicroseconds;
    private long _foreignToTarget;
    private long _foreignToClient;
    private volatile string? _failure;
    private long _failedAt;
    private long _failures;
    private volatile TargetState _targetState;

    public BridgeCounters(int loops)
    {
        _relays = new RelayCounters[loops];
        for (int i = 0; i < loops; i++)
            _relays[i] = new RelayCounters();
    }

    public long Active => Volatile.Read(ref _active);

    public long Total => Volatile.Read(ref _total);

    public long Refused => Volatile.Read(ref _refused);

    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Null if the last client reached the target.</summary>
    public ClientFailure? LastFailure => _failure is { } reason
        ? new ClientFailure(new DateTimeOffset(Volatile.Read(ref _failedAt), TimeSpan.Zero), reason, Volatile.Read(ref _failures))
        : null;

    /// <summary>As of the last probe.</summary>
    public TargetState TargetState
    {
        get => _targetState;
        set => _targetState = value;
    }

    /// <summary>How often the target was reached.</summary>
    public long Connects => Buckets().Sum();

    public double ConnectSeconds => Volatile.Read(ref _connectMicroseconds) / 1e6;

    public long BytesToTarget => Volatile.Read(ref _foreignToTarget) + _relays.Sum(relay => relay.BytesToTarget);

    public long BytesToClient => Volatile.Read(ref _foreignToClient) + _relays.Sum(relay => relay.BytesToClient);

    /// <summary>The counters of the relays on one loop.</summary>
    public RelayCounters RelaysOf(int loop) => _relays[loop];

    public long Parked => _relays.Sum(relay => relay.Parked);

    public long[] Buckets() => Copy(_buckets);

    /// <summary>Clients that have gone, by <see cref="EndReason"/>.</summary>
    public long[] Ended() => Copy(_ended);

    private static long[] Copy(long[] counts)
    {
        long[] copy = new long[counts.Length];
        for (int i = 0; i < copy.Length; i++)
            copy[i] = Volatile.Read(ref counts[i]);
        return copy;
    }

    public void CountRefused()
    {
        Interlocked.Increment(ref _total);
        Interlocked.Increment(ref _refused);
    }

    /// <summary>A client was admitted.</summary>
    public void CountAdmitted()
    {
        Interlocked.Increment(ref _total);
        Interlocked.Increment(ref _active);
    }

    /// <summary>An admitted client has gone.</summary>
    public void CountGone() => Interlocked.Decrement(ref _active);

    /// <summary>An admitted client has gone, for that reason.</summary>
    public void CountEnded(EndReason reason) => Interlocked.Increment(ref _ended[(int)reason]);

    /// <param name="reason">Null if it is not the last failure of the bridge that has the name now.</param>
    public void CountFailed(string? reason)
    {
        Interlocked.Increment(ref _failed);
        if (reason is null)
            return;
        Interlocked.Increment(ref _failures);
        Volatile.Write(ref _failedAt, DateTime.UtcNow.Ticks);
        _failure = reason;
    }

    /// <summary>A client has reached the target, or the target is another one now.</summary>
    public void CountReached()
    {
        // Read first: writes of several loops would contend.
        if (_failure is null)
            return;
        _failure = null;
        Volatile.Write(ref _failures, 0);
    }

    /// <summary>Counts bytes that an inner half of another process has relayed for this bridge.</summary>
    public void CountForeign(long toTarget, long toClient)
    {
        Interlocked.Add(ref _foreignToTarget, toTarget);
        Interlocked.Add(ref _foreignToClient, toClient);
    }

    /// <summary>A target was reached after <paramref name="microseconds"/>.</summary>
    public void CountConnect(long microseconds)
    {
        CountReached();
        Interlocked.Add(ref _connectMicroseconds, microseconds);
        ReadOnlySpan<long> bounds = ConnectBuckets.UpperBoundsMicroseconds;
        int bucket = 0;
        while (bucket < bounds.Length && microseconds > bounds[bucket])
            bucket++;
        Interlocked.Increment(ref _buckets[bucket]);
    }
}
