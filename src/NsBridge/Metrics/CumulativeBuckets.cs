using System.Globalization;
using NsBridge.Bridges;

namespace NsBridge.Metrics;

/// <summary>The time to connect as a cumulative histogram: each bucket counts everything up to its bound.</summary>
internal static class CumulativeBuckets
{
    private static readonly string[] s_bounds =
        [.. ConnectBuckets.UpperBounds.Select(bound => bound.ToString("0.#####", CultureInfo.InvariantCulture)), "+Inf"];

    /// <summary>The bounds in seconds as text, <c>+Inf</c> last, each with its count; all zero where nothing was counted yet.</summary>
    public static IEnumerable<(string UpperBound, long Count)> Of(BridgeReport report)
    {
        long sum = 0;
        for (int i = 0; i < s_bounds.Length; i++)
        {
            sum += i < report.ConnectBuckets.Count ? report.ConnectBuckets[i] : 0;
            yield return (s_bounds[i], sum);
        }
    }
}
