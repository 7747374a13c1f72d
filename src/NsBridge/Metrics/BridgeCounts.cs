using NsBridge.Bridges;

namespace NsBridge.Metrics;

/// <summary>The clients of a bridge that have ended.</summary>
/// <param name="Served">Reached their target.</param>
/// <param name="Refused">Closed before a connect to the target.</param>
/// <param name="Failed">Their target could not be reached.</param>
internal readonly record struct ConnectionResult(long Served, long Refused, long Failed);

/// <summary>The counters of the bridges for Prometheus. A report's numbers are read one after the other while connections come and go, so
/// that a difference of two may be off by a few for a moment; Prometheus would take a counter that falls for a restart.</summary>
internal sealed class BridgeCounts(IBridgeReports reports)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long Total, long Served)> _last = new(StringComparer.Ordinal);

    /// <summary>Every bridge with its ended clients.</summary>
    public IReadOnlyList<(BridgeReport Report, ConnectionResult Ended)> Take()
    {
        IReadOnlyList<BridgeReport> now = reports.Snapshot();
        lock (_lock)
        {
            var taken = new List<(BridgeReport, ConnectionResult)>(now.Count);
            foreach (BridgeReport report in now)
            {
                long served = Math.Max(0, report.Total - report.Refused - report.Failed - report.Active);
                // Total falls only if another bridge has the name after a reload: that is a restart of the counter.
                if (_last.TryGetValue(report.Name, out (long Total, long Served) last) && report.Total >= last.Total)
                    served = Math.Max(served, last.Served);
                _last[report.Name] = (report.Total, served);
                taken.Add((report, new ConnectionResult(served, report.Refused, report.Failed)));
            }
            if (_last.Count > now.Count)
            {
                foreach (string gone in _last.Keys.Except(now.Select(report => report.Name)).ToArray())
                    _last.Remove(gone);
            }
            return taken;
        }
    }
}
