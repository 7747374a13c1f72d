using NsBridge.Benchmarks.Load;

namespace NsBridge.Benchmarks.Report;

/// <summary>One run of a workload against a system.</summary>
/// <param name="Round">From 0 on.</param>
/// <param name="Workload">What was run.</param>
/// <param name="System">Against what.</param>
/// <param name="Measured">What came of it.</param>
/// <param name="ProcessorSeconds">What the system's own processes used meanwhile.</param>
internal sealed record Measurement(int Round, Workload Workload, string System, Measured Measured, double ProcessorSeconds)
{
    /// <summary>Processor time in the workload's unit of cost; 0 without traffic.</summary>
    internal double Cost => Measured.Total == 0 ? 0 : ProcessorSeconds / Measured.Total * Workload.CostScale;
}
