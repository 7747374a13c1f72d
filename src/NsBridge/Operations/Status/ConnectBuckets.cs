namespace NsBridge.Operations.Status;

/// <summary>The buckets in which the time to reach a target is counted.</summary>
/// <remarks>
/// From a service in a namespace of the same machine (tens of microseconds) to the default of <c>ConnectTimeout</c>. They are part of
/// the metrics' meaning: a recording of last year is compared with today's.
/// </remarks>
internal static class ConnectBuckets
{
    /// <summary>The longest time of each bucket in seconds, ascending. One more bucket counts everything beyond the last.</summary>
    public static IReadOnlyList<double> UpperBounds { get; } =
        [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

    /// <summary>The same in whole microseconds, for whoever counts.</summary>
    public static IReadOnlyList<long> UpperBoundsMicroseconds { get; } = [.. UpperBounds.Select(seconds => (long)Math.Round(seconds * 1e6))];
}
