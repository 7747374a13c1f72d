using System.Diagnostics;
using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.EventLoops;

/// <summary>
/// Waits for the events of one loop. Where they come so close that the thread would be woken right after it fell asleep, it may look for them for
/// a moment instead: a sleep and a wake-up can cost more than that.
/// </summary>
/// <remarks>
/// Looking takes time from a processor that others may want, so it has to be earned: only a run of short sleeps leads to it, and only where a
/// <see cref="LookTrial"/> finds that events then come faster.
/// </remarks>
internal sealed class EventWait
{
    /// <summary>How long to look.</summary>
    private static readonly long s_look = Stopwatch.Frequency / 1_000_000 * 50;

    /// <summary>A sleep this short might have been spared by a look: falling asleep and waking up alone can take most of it.</summary>
    private static readonly long s_short = 10 * s_look;

    private static readonly long s_interrupted = 4 * s_look;

    private const int ShortSleepsBeforeLooking = 8;

    private readonly LookTrial _trial = new();
    private int _shortSleeps;
    private int _events;
    private long _ended;

    /// <summary>Waits at most <paramref name="timeout"/> milliseconds (-1: for ever).</summary>
    /// <param name="queue">Where the events come.</param>
    /// <param name="timeout">Milliseconds.</param>
    /// <returns>How many events there are, or a negated error.</returns>
    internal int For(IEventQueue queue, int timeout) => timeout != 0 ? LookOrSleep(queue, timeout) : queue.Wait(0);

    /// <summary>So much came with the last wait: what is to come faster.</summary>
    internal void Count(int events) => _events += events;

    private int LookOrSleep(IEventQueue queue, int timeout)
    {
        long begin = Stopwatch.GetTimestamp();
        long now = begin;
        bool mayLook = _shortSleeps >= ShortSleepsBeforeLooking;
        bool preempted = false;
        int count = mayLook && _trial.ShouldLook(begin) ? Look(queue, begin, out now, out preempted) : 0;
        if (count == 0)
        {
            long asleep = now;
            count = queue.Wait(timeout);
            now = Stopwatch.GetTimestamp();
            _shortSleeps = now - asleep < s_short ? Math.Min(_shortSleeps + 1, ShortSleepsBeforeLooking) : 0;
            // A long wait then has another reason.
            preempted &= _shortSleeps > 0;
        }
        if (mayLook)
            _trial.Note(now, now - _ended, _events, preempted);
        else
            _trial.Pause();
        _ended = now;
        _events = 0;
        return count;
    }

    private static int Look(IEventQueue queue, long begin, out long now, out bool preempted)
    {
        int count;
        long preemptions = Libc.Preemptions();
        do
        {
            count = queue.Wait(0);
            now = Stopwatch.GetTimestamp();
        }
        while (count == 0 && now - begin < s_look);
        // A hypervisor that runs another machine interrupts as well, sleepers no less than lookers.
        preempted = now - begin > s_interrupted && Libc.Preemptions() != preemptions;
        return count;
    }
}
