using System.Diagnostics;

namespace NsBridge.Relaying;

/// <summary>
/// Waits for the events of one loop. Where they come so close that the thread would be woken right after it fell asleep, it looks for them for
/// a moment instead: a sleep and a wake-up cost more than that (measured: a single ping-pong is 1.7 times as fast, for 1.13 of the
/// whole machine's processor time).
/// </summary>
/// <remarks>
/// Looking takes time from a processor that others may want, so it has to be earned. Only a run of short sleeps leads to it. Every look in vain
/// makes the next ones rarer by half, down to one in <see cref="RarestLook"/> waits, and every one that found something takes back one such step:
/// where they share a processor, whose answer is waited for cannot answer while it is looked for. A look that another program interrupted counts as
/// many in vain.
/// </remarks>
internal sealed class EventWait
{
    /// <summary>How long to look.</summary>
    private static readonly long s_look = Stopwatch.Frequency / 1_000_000 * 50;

    /// <summary>A sleep this short, with the wake-up, would have been spared by a look.</summary>
    private static readonly long s_short = 2 * s_look;

    private static readonly long s_interrupted = 4 * s_look;

    private const int ShortSleepsBeforeLooking = 8;
    private const int RarestLook = 1 << MostInVain;
    private const int MostInVain = 12;
    private const int Forgiven = 2;

    private int _shortSleeps;
    private int _inVain;
    private int _waitsToSkip;

    /// <summary>Waits at most <paramref name="timeout"/> milliseconds (-1: for ever).</summary>
    /// <param name="queue">Where the events come.</param>
    /// <param name="timeout">Milliseconds.</param>
    /// <returns>How many events there are, or a negated error.</returns>
    internal int For(IEventQueue queue, int timeout)
    {
        if (timeout == 0)
            return queue.Wait(0);
        if (_shortSleeps >= ShortSleepsBeforeLooking && --_waitsToSkip < 0)
        {
            int found = Look(queue);
            if (found != 0)
                return found;
        }
        long begin = Stopwatch.GetTimestamp();
        int count = queue.Wait(timeout);
        _shortSleeps = Stopwatch.GetTimestamp() - begin < s_short ? Math.Min(_shortSleeps + 1, ShortSleepsBeforeLooking) : 0;
        return count;
    }

    private int Look(IEventQueue queue)
    {
        long begin = Stopwatch.GetTimestamp();
        int count;
        long took;
        do
        {
            count = queue.Wait(0);
            took = Stopwatch.GetTimestamp() - begin;
        }
        while (count == 0 && took < s_look);
        _inVain = took > s_interrupted ? MostInVain : Math.Clamp(_inVain + (count == 0 ? 1 : -1), 0, MostInVain);
        _waitsToSkip = _inVain <= Forgiven ? 0 : 1 << _inVain;
        return count;
    }
}
