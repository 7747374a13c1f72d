namespace NsBridge.Logging;

/// <summary>Logs a fault when it first happens, counts it while it goes on, and logs the count once a minute: a client that tries a dead
/// target a thousand times a second makes one line a minute. A fault is cleared after one minute without it. A success in between does not
/// clear it: it may belong to another port.</summary>
internal sealed class RepeatedFault : IDisposable
{
    /// <summary>How often a fault that goes on is logged.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    /// <summary>Different faults logged at the same time; only the number of those beyond is logged.</summary>
    public const int MostKinds = 32;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);
    private readonly Action<string> _log;
    private readonly ITimer _timer;
    private long _others;
    private bool _ticking;

    /// <param name="log">Logs one line. Called by one thread at a time, the one that the fault happens on.</param>
    /// <param name="clock">Ticks the minutes.</param>
    public RepeatedFault(Action<string> log, TimeProvider clock)
    {
        _log = log;
        _timer = clock.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <param name="fault">Without what differs each time, such as a client's port or a duration: equal text is the same fault.</param>
    public void Happened(string fault)
    {
        lock (_lock)
        {
            if (_counts.TryGetValue(fault, out long count))
            {
                _counts[fault] = count + 1;
            }
            else if (_counts.Count < MostKinds)
            {
                _counts.Add(fault, 0);
                _log(fault);
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

    /// <summary>Drops what was counted: it concerns a configuration that was replaced.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            _counts.Clear();
            _others = 0;
        }
    }

    /// <summary>Logs what was counted and not logged yet.</summary>
    public void Dispose()
    {
        lock (_lock)
            LogCounts();
        _timer.Dispose();
    }

    private void Tick()
    {
        lock (_lock)
        {
            foreach (string fault in LogCounts())
                _counts.Remove(fault);
            if (_counts.Count > 0)
                return;
            _ticking = false;
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <returns>The faults that have not happened since they were last logged.</returns>
    private List<string> LogCounts()
    {
        var over = new List<string>();
        foreach ((string fault, long count) in _counts.ToArray())
        {
            if (count == 0)
            {
                over.Add(fault);
                continue;
            }
            _log($"{fault} ({(count == 1 ? "once" : $"{count} times")} more since last logged)");
            _counts[fault] = 0;
        }
        if (_others > 0)
            _log($"{_others} other faults of more than {MostKinds} kinds");
        _others = 0;
        return over;
    }
}
