using System.Diagnostics;
using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.EventLoops;

/// <summary>
/// Finds out whether it pays to look for events before a sleep: lets a loop do so for some waits and not for the next, in turn, and compares how many events
/// come in a time, and what processor time each takes. What was found holds for a while.
/// </summary>
/// <remarks>
/// It depends on the machine and on what else runs there. Where it takes a processor long to fall asleep and to wake up, a single ping-pong is up to three times as
/// fast with it, for less processor time; where they sleep lightly, or where whose answer is waited for needs the processor, it is slower. None of that can be told from
/// the waits alone. A processor (and a hypervisor) remembers for some waits how long the last ones were, so the first half of each turn does not count.
/// </remarks>
/// <param name="processorTime">The processor time the loop's thread has taken so far, in any unit.</param>
internal sealed class LookTrial(Func<long> processorTime)
{
    /// <summary>Waits of one kind in turn.</summary>
    internal const int Turn = 128;

    /// <summary>Waits of a trial. A multiple of two turns.</summary>
    internal const int Waits = 4 * Turn;

    /// <summary>By how much the speed that is gained has to exceed the processor time that it costs, where it costs any.</summary>
    private const double Worthwhile = 1.2;

    /// <summary>A wait that took longer tells of something else, unless the look is what kept others from the processor.</summary>
    private static readonly long s_longest = Stopwatch.Frequency / 1000;

    private static readonly long s_shortestRest = Stopwatch.Frequency / 2;
    private static readonly long s_longestRest = Stopwatch.Frequency * 4;

    private bool _pays;
    private long _settled;
    private long _restsUntil;
    private long _rest = s_shortestRest;
    private int _waits;
    private long? _processorTime;
    private Sample _asleep;
    private Sample _looking;

    internal LookTrial()
        : this(Libc.ThreadTime)
    {
    }

    /// <summary>Whether to look before the wait that begins now.</summary>
    /// <param name="now">A time of <see cref="Stopwatch"/>, as all here.</param>
    internal bool ShouldLook(long now) => now < _restsUntil ? _pays : IsLooking;

    /// <summary>A wait has ended for which <see cref="ShouldLook"/> was asked.</summary>
    /// <param name="now">When.</param>
    /// <param name="took">The time since the end of the wait before.</param>
    /// <param name="events">How many events came in that time.</param>
    /// <param name="preempted">Whether another thread got the processor while it was looked for events.</param>
    internal void Note(long now, long took, int events, bool preempted)
    {
        // By something that goes on, then it does not pay any more, or by what was over at once.
        if (preempted && _pays)
            _restsUntil = Math.Min(_restsUntil, _settled + s_shortestRest);
        if (now < _restsUntil)
            return;
        long time = processorTime();
        long? used = time - _processorTime;
        _processorTime = time;
        if (used is null || (took > s_longest && !preempted))
            return;
        if (_waits % Turn >= Turn / 2)
            (IsLooking ? ref _looking : ref _asleep).Add(took, used.Value, events);
        if (++_waits == Waits)
            ApplyKeepAlive(now, IsWorthwhile(_looking, _asleep));
    }

    /// <summary>What happens until the next wait ends for which <see cref="ShouldLook"/> is asked is not part of a trial.</summary>
    internal void Pause() => _processorTime = null;

    private bool IsLooking => _waits / Turn % 2 == 1;

    private void ApplyKeepAlive(long now, bool pays)
    {
        _rest = pays == _pays ? Math.Min(2 * _rest, s_longestRest) : s_shortestRest;
        _pays = pays;
        _settled = now;
        _restsUntil = now + _rest;
        _waits = 0;
        _processorTime = null;
        _asleep = _looking = default;
    }

    private static bool IsWorthwhile(in Sample looking, in Sample asleep)
    {
        double speed = looking.Events / (double)looking.Time / (asleep.Events / (double)asleep.Time);
        double cost = looking.ProcessorTime / (double)looking.Events / (asleep.ProcessorTime / (double)asleep.Events);
        return speed > Worthwhile * Math.Max(1, cost);
    }

    private struct Sample
    {
        public long Time;
        public long ProcessorTime;
        public long Events;

        public void Add(long time, long processorTime, int events)
        {
            Time += time;
            ProcessorTime += processorTime;
            Events += events;
        }
    }
}
