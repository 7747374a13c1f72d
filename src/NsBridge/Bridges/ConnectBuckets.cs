namespace NsBridge.Bridges;

/// <summary>The buckets in which the time to reach a target is counted.</summary>
/// <remarks>
/// From a service in a namespace of the same machine (tens of microseconds) to the default of <c>ConnectTimeout</c>. They are part of
/// the metrics' meaning: a recording of last year is compared with today's.
/// </remarks>
internal static class ConnectBuckets
{
    /// <summary>The longest time of each bucket in microseconds, ascending. One more bucket counts everything beyond the last.</summary>
    public static ReadOnlySpan<long> UpperBoundsMicroseconds =>
        [100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000];

    /// <summary>The same in seconds.</summary>
    public static IReadOnlyList<double> UpperBounds { get; } = Array.ConvertAll(UpperBoundsMicroseconds.ToArray(), microseconds => microseconds / 1e6);
}
