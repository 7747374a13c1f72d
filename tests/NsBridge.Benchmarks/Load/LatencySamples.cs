namespace NsBridge.Benchmarks.Load;

/// <summary>Latencies of a run, kept whole.</summary>
internal sealed class LatencySamples
{
    private uint[] _nanoseconds = new uint[1 << 20];

    internal int Count { get; private set; }

    /// <param name="ticks">A difference of Stopwatch timestamps.</param>
    internal void Add(long ticks)
    {
        if (Count == _nanoseconds.Length)
            Array.Resize(ref _nanoseconds, 2 * Count);
        _nanoseconds[Count++] = (uint)Math.Min(uint.MaxValue, ticks * (1_000_000_000L / System.Diagnostics.Stopwatch.Frequency));
    }

    /// <summary>Percentiles in microseconds.</summary>
    internal double[] Percentiles(params double[] parts)
    {
        Span<uint> sorted = _nanoseconds.AsSpan(0, Count);
        sorted.Sort();
        double[] result = new double[parts.Length];
        for (int i = 0; i < parts.Length && Count > 0; i++)
            result[i] = sorted[Math.Min(Count - 1, (int)(parts[i] * Count))] / 1000.0;
        return result;
    }
}
