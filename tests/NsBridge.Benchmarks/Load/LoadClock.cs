using System.Diagnostics;

namespace NsBridge.Benchmarks.Load;

/// <summary>The times of one run: a short warm-up that does not count, then the measurement.</summary>
internal sealed class LoadClock
{
    private static readonly double s_warmUpSeconds = 0.2;

    internal LoadClock(double seconds)
    {
        Begin = Stopwatch.GetTimestamp() + (long)(s_warmUpSeconds * Stopwatch.Frequency);
        End = Begin + (long)(seconds * Stopwatch.Frequency);
    }

    internal long Begin { get; }

    internal long End { get; }

    internal static long Now => Stopwatch.GetTimestamp();

    internal bool IsClosing => Now >= End;

    internal bool Counts(long from, long to) => from >= Begin && to <= End;

    internal double Seconds => (End - Begin) / (double)Stopwatch.Frequency;
}
