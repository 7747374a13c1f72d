namespace NsBridge.Logging;

/// <summary>
/// Tells a fault when it first happens, counts it while it goes on happening, and tells the count once a minute. It is over when it has not
/// happened for a minute: what succeeds in between may be another client's affair, with another port of the same range. A client that tries a
/// dead target a thousand times a second is one line a minute, not a full disk.
/// </summary>
internal sealed class RepeatedFault : IDisposable
{
    /// <summary>How often a fault that goes on is told.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    /// <summary>Different faults told at the same time; those beyond are told by their number only.</summary>
    public const int MostKinds = 32;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _silent = new(StringComparer.Ordinal);
    private readonly Action<string> _tell;
    private readonly ITimer _timer;
    private long _others;
    private bool _ticking;

    /// <param name="tell">Logs one line. Called one at a time, from whatever thread the fault happens on.</param>
    /// <param name="clock">Ticks the minutes.</param>
    public RepeatedFault(Action<string> tell, TimeProvider clock)
    {
        _tell = tell;
        _timer = clock.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The fault has happened (again).</summary>
    /// <param name="fault">What happened, without anything that differs each time (a client's port, a duration): equal text is the same fault.</param>
    public void Happened(string fault)
    {
        lock (_lock)
        {
            if (_silent.TryGetValue(fault, out long count))
            {
                _silent[fault] = count + 1;
            }
            else if (_silent.Count < MostKinds)
            {
                _silent.Add(fault, 0);
                _tell(fault);
            }
            else
            {
                _others++;
            }

            if (_ticking)
                return;
            _ticking = true;
            _timer.Change(Period, Period);
        }
    }

    /// <summary>Tells what was counted and not told yet.</summary>
    public void Dispose()
    {
        lock (_lock)
            TellCounts();
        _timer.Dispose();
    }

    private void Tick()
    {
        lock (_lock)
        {
            foreach (string fault in TellCounts())
                _silent.Remove(fault);
            if (_silent.Count == 0)
                Rest();
        }
    }

    /// <returns>The faults that have not happened since they were last told.</returns>
    private List<string> TellCounts()
    {
        var over = new List<string>();
        foreach ((string? fault, long count) in _silent.ToArray())
        {
            if (count == 0)
            {
                over.Add(fault);
                continue;
            }

            _tell($"{fault} ({Times(count)} more since last told)");
            _silent[fault] = 0;
        }

        if (_others > 0)
            _tell($"{_others} other faults of more than {MostKinds} kinds");
        _others = 0;
        return over;
    }

    private void Rest()
    {
        _ticking = false;
        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private static string Times(long count) => count == 1 ? "once" : $"{count} times";
}
