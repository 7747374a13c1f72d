using NsBridge.Bridges;

namespace NsBridge.Metrics;

/// <summary>
/// What bridges count, fit to be sampled. A report's numbers are read one after the other while connections come and go, so a
/// difference between two of them may be off by a few for a moment; a counter that falls would be taken for a restart.
/// </summary>
internal sealed class BridgeCounts(IBridgeReports reports)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long Total, long Served)> _last = new(StringComparer.Ordinal);

    /// <summary>Every bridge, and how its clients ended.</summary>
    public IReadOnlyList<(BridgeReport Report, ConnectionResult Ended)> Take()
    {
        IReadOnlyList<BridgeReport> now = reports.Snapshot();
        lock (_lock)
        {
            var taken = new List<(BridgeReport, ConnectionResult)>(now.Count);
            foreach (BridgeReport report in now)
            {
                long served = Math.Max(0, report.Total - report.Refused - report.Failed - report.Active);
                // Total falls only where another bridge has taken the name after a reload: that is a restart of the counter.
                if (_last.TryGetValue(report.Name, out (long Total, long Served) last) && report.Total >= last.Total)
                    served = Math.Max(served, last.Served);
                _last[report.Name] = (report.Total, served);
                taken.Add((report, new ConnectionResult(served, report.Refused, report.Failed)));
            }

            if (_last.Count > now.Count)
            {
                foreach (string? gone in _last.Keys.Except(now.Select(report => report.Name)).ToArray())
                    _last.Remove(gone);
            }

            return taken;
        }
    }
}
