namespace NsBridge.Benchmarks.Load;

/// <summary>What one run of a workload gave.</summary>
/// <param name="Rate">Bytes, round trips or connections a second.</param>
/// <param name="Total">All of them, those outside the measured time included: what the processor time was spent on.</param>
/// <param name="P50">Median latency in microseconds; 0 if there is none.</param>
/// <param name="P99">Its 99th percentile.</param>
/// <param name="Errors">Exchanges that failed.</param>
internal sealed record Measured(double Rate, long Total, double P50, double P99, int Errors);
