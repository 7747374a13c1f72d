using System.Diagnostics;
using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.EventLoops;

/// <summary>Waits for the events of one loop. When events come so close together that the thread would be woken right after it fell
/// asleep, it may poll for a moment before it sleeps: a sleep and a wake-up can cost more than that.</summary>
/// <remarks>Polling takes time from a processor that others may want: only a run of short sleeps starts a trial, and only a trial that
/// succeeds starts polling. A trial polls in some waits and not in the next, in turn, and compares the events per time and the processor
/// time per event. Its result holds for a while.
/// <para>The gain depends on the machine and on what else runs there. If a processor takes long to fall asleep and to wake up, a single
/// ping-pong is up to three times as fast with polling, for less processor time; if it sleeps lightly, or if the peer needs the processor,
/// it is slower. The waits alone show none of that. A processor (and a hypervisor) remembers for some waits how long the last ones were,
/// so the first half of each turn does not count.</para></remarks>
internal sealed class BusyPoll
{
    /// <summary>Waits of one kind in turn.</summary>
    internal const int Turn = 128;

    /// <summary>Waits of a trial. A multiple of two turns.</summary>
    internal const int Waits = 4 * Turn;

    /// <summary>By how much the gain in speed has to exceed the cost in processor time, if there is any.</summary>
    private const double Worthwhile = 1.2;

    private const int ShortSleepsBeforeTrial = 8;

    private static readonly long s_microsecond = Stopwatch.Frequency / 1_000_000;

    /// <summary>How long to poll.</summary>
    private static readonly long s_poll = 50 * s_microsecond;

    /// <summary>Polling might have spared a sleep this short: falling asleep and waking up alone can take most of it.</summary>
    private static readonly long s_shortSleep = 500 * s_microsecond;

    private static readonly long s_interrupted = 200 * s_microsecond;

    /// <summary>A longer wait has another reason, unless polling is what kept others from the processor.</summary>
    private static readonly long s_longest = 1000 * s_microsecond;

    private static readonly long s_shortestRest = Stopwatch.Frequency / 2;
    private static readonly long s_longestRest = Stopwatch.Frequency * 4;

    private readonly bool _mayPoll;
    private readonly Func<long> _processorTime;
    private int _shortSleeps;
    private int _events;
    private long _lastWait;

    private bool _pays;
    private long _decided;
    private long _restsUntil;
    private long _rest = s_shortestRest;
    private int _waits;
    private long? _lastProcessorTime;
    private Sample _asleep;
    private Sample _polling;

    /// <param name="mayPoll">Whether it may poll; else each wait sleeps.</param>
    /// <param name="processorTime">The processor time of the loop's thread, in any unit.</param>
    internal BusyPoll(bool mayPoll, Func<long>? processorTime = null)
    {
        _mayPoll = mayPoll;
        _processorTime = processorTime ?? Libc.ThreadTime;
    }

    /// <summary>Waits at most <paramref name="timeout"/> milliseconds (-1: without limit).</summary>
    /// <returns>How many events there are, or a negated error.</returns>
    internal int Wait(IEventQueue queue, int timeout) => timeout != 0 && _mayPoll ? PollOrSleep(queue, timeout) : queue.Wait(timeout);

    /// <summary>Counts events of the last wait: a trial compares how fast they come.</summary>
    internal void Count(int events) => _events += events;

    private int PollOrSleep(IEventQueue queue, int timeout)
    {
        long now = Stopwatch.GetTimestamp();
        bool isTried = _shortSleeps >= ShortSleepsBeforeTrial;
        bool preempted = false;
        int count = isTried && ShouldPoll(now) ? Poll(queue, ref now, out preempted) : 0;
        if (count == 0)
        {
            long asleep = now;
            count = queue.Wait(timeout);
            now = Stopwatch.GetTimestamp();
            _shortSleeps = now - asleep < s_shortSleep ? Math.Min(_shortSleeps + 1, ShortSleepsBeforeTrial) : 0;
            // A long wait then has another reason.
            preempted &= _shortSleeps > 0;
        }
        if (isTried)
            Note(now, now - _lastWait, _events, preempted);
        else
            Pause();
        _lastWait = now;
        _events = 0;
        return count;
    }

    private static int Poll(IEventQueue queue, ref long now, out bool preempted)
    {
        long begin = now;
        int count;
        long preemptions = Libc.Preemptions();
        do
        {
            count = queue.Wait(0);
            now = Stopwatch.GetTimestamp();
        }
        while (count == 0 && now - begin < s_poll);
        // A hypervisor that runs another machine interrupts too, whether the thread sleeps or polls.
        preempted = now - begin > s_interrupted && Libc.Preemptions() != preemptions;
        return count;
    }

    /// <summary>Whether to poll before the wait that begins now.</summary>
    /// <param name="now">A timestamp of <see cref="Stopwatch"/>, as all times here.</param>
    internal bool ShouldPoll(long now) => now < _restsUntil ? _pays : IsPolling;

    /// <summary>A wait has ended for which <see cref="ShouldPoll"/> was asked.</summary>
    /// <param name="now">When it ended.</param>
    /// <param name="took">The time since the end of the wait before.</param>
    /// <param name="events">How many events came in that time.</param>
    /// <param name="preempted">Whether another thread got the processor while this one polled.</param>
    internal void Note(long now, long took, int events, bool preempted)
    {
        // If the other thread goes on, polling does not pay any more: try again soon, but not at each interruption.
        if (preempted && _pays)
            _restsUntil = Math.Min(_restsUntil, _decided + s_shortestRest);
        if (now < _restsUntil)
            return;
        long time = _processorTime();
        long? used = time - _lastProcessorTime;
        _lastProcessorTime = time;
        if (used is null || (took > s_longest && !preempted))
            return;
        if (_waits % Turn >= Turn / 2)
            (IsPolling ? ref _polling : ref _asleep).Add(took, used.Value, events);
        if (++_waits == Waits)
            Decide(now);
    }

    /// <summary>The time until the next wait for which <see cref="ShouldPoll"/> is asked is not part of a trial.</summary>
    internal void Pause() => _lastProcessorTime = null;

    private bool IsPolling => _waits / Turn % 2 == 1;

    private void Decide(long now)
    {
        double speed = _polling.Events / (double)_polling.Time / (_asleep.Events / (double)_asleep.Time);
        double cost = _polling.ProcessorTime / (double)_polling.Events / (_asleep.ProcessorTime / (double)_asleep.Events);
        bool pays = speed > Worthwhile * Math.Max(1, cost);
        _rest = pays == _pays ? Math.Min(2 * _rest, s_longestRest) : s_shortestRest;
        _pays = pays;
        _decided = now;
        _restsUntil = now + _rest;
        _waits = 0;
        _lastProcessorTime = null;
        _asleep = _polling = default;
    }

    private struct Sample
    {
        internal long Time;
        internal long ProcessorTime;
        internal long Events;

        internal void Add(long time, long processorTime, int events)
        {
            Time += time;
            ProcessorTime += processorTime;
            Events += events;
        }
    }
}
