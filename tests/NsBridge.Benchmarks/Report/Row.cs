using System.Globalization;
using NsBridge.Benchmarks.Load;

namespace NsBridge.Benchmarks.Report;

/// <summary>The medians of one workload and system.</summary>
/// <param name="Workload">What was run.</param>
/// <param name="System">Against what.</param>
/// <param name="Rate">Bytes, round trips or connections a second.</param>
/// <param name="Ratio">The first system's rate over this one's, within each round.</param>
/// <param name="LowestRatio">The worst round's.</param>
/// <param name="HighestRatio">The best round's.</param>
/// <param name="P50">Microseconds; 0 if there is no latency.</param>
/// <param name="P99">The same.</param>
/// <param name="Cost">Processor time in the workload's unit.</param>
/// <param name="Errors">Of all rounds.</param>
internal sealed record Row(
    Workload Workload, string System, double Rate, double Ratio, double LowestRatio, double HighestRatio, double P50, double P99,
    double Cost, int Errors)
{
    /// <summary>The columns' headings; those of numbers are aligned to the right.</summary>
    internal static IReadOnlyList<string> Headings(string first) =>
        ["workload", "system", "rate", $"{first} is", "in the rounds", "p50 µs", "p99 µs", "relay CPU", "errors"];

    internal IReadOnlyList<string> Cells =>
    [
        Workload.Name,
        System,
        $"{Number(Rate / Workload.Scale, Workload.Scale > 1 ? "0.00" : "#,0")} {Workload.Unit}",
        Rate > 0 ? $"{Number(Ratio, "0.00")} x" : "",
        Rate > 0 ? $"{Number(LowestRatio, "0.00")}–{Number(HighestRatio, "0.00")}" : "",
        P50 > 0 ? Number(P50, "#,0") : "",
        P99 > 0 ? Number(P99, "#,0") : "",
        Cost > 0 ? $"{Number(Cost, "0.00")} {Workload.CostUnit}" : "",
        Errors > 0 ? Number(Errors, "0") : "",
    ];

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
