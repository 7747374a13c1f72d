using NsBridge.Benchmarks.Load;

namespace NsBridge.Benchmarks.Report;

/// <summary>All measurements, and the figures that are reported of them.</summary>
/// <param name="systems">Names, in the order of their columns; the first is the one that is compared with the others.</param>
internal sealed class Results(IReadOnlyList<string> systems)
{
    private readonly List<Measurement> _all = [];

    internal IReadOnlyList<string> Systems { get; } = systems;

    internal IReadOnlyList<Workload> Workloads =>
        [.. Workload.All.Where(workload => _all.Any(measurement => measurement.Workload == workload))];

    internal bool HasErrors => _all.Any(measurement => measurement.Measured.Errors > 0);

    internal void Add(Measurement measurement) => _all.Add(measurement);

    /// <summary>One line of the table.</summary>
    internal Row RowOf(Workload workload, string system)
    {
        var own = Of(workload, system).ToList();
        // Compared within a round, because the machine differs more from round to round than the systems do.
        var ratios = Of(workload, Systems[0])
            .Join(own, one => one.Round, other => other.Round, (one, other) => one.Measured.Rate / Math.Max(other.Measured.Rate, 1e-9))
            .ToList();
        return new Row(
            workload,
            system,
            Median(own.Select(measurement => measurement.Measured.Rate)),
            Median(ratios),
            ratios.Min(),
            ratios.Max(),
            Median(own.Select(measurement => measurement.Measured.P50)),
            Median(own.Select(measurement => measurement.Measured.P99)),
            Median(own.Select(measurement => measurement.Cost)),
            own.Sum(measurement => measurement.Measured.Errors));
    }

    internal IEnumerable<Row> Rows() => Workloads.SelectMany(workload => Systems.Select(system => RowOf(workload, system)));

    private IEnumerable<Measurement> Of(Workload workload, string system) =>
        _all.Where(measurement => measurement.Workload == workload && measurement.System == system);

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[sorted.Count / 2 - 1] + sorted[sorted.Count / 2]) / 2;
    }
}
