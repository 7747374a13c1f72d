using System.Diagnostics;

namespace NsBridge.Relaying;

/// <summary>
/// Finds out whether it pays to look for events before a sleep: lets a loop do so for some waits and not for the next, in turn, and compares how many events
/// come in a time. What was found holds for a while.
/// </summary>
/// <remarks>
/// It depends on the machine and on what else runs there. Where processors sleep lightly a single ping-pong is 1.7 times as fast with it; where it takes them as long
/// to wake up as the look lasts, or where whose answer is waited for needs the processor, it is slower. Neither can be told from the waits alone.
/// </remarks>
internal sealed class LookTrial
{
    /// <summary>Waits of one kind in turn.</summary>
    internal const int Turn = 64;

    /// <summary>Waits of a trial. A multiple of two turns.</summary>
    internal const int Waits = 4 * Turn;

    /// <summary>How many times the events have to come: less is not worth the processor time.</summary>
    private const double Worthwhile = 1.2;

    /// <summary>A wait that took longer tells of something else.</summary>
    private static readonly long s_longest = Stopwatch.Frequency / 1000;

    private static readonly long s_shortestRest = Stopwatch.Frequency / 2;
    private static readonly long s_longestRest = Stopwatch.Frequency * 4;

    private bool _pays;
    private long _restsUntil;
    private long _rest = s_shortestRest;
    private int _waits;
    private Rate _asleep;
    private Rate _looking;

    /// <summary>Whether to look before the wait that begins now.</summary>
    /// <param name="now">A time of <see cref="Stopwatch"/>, as all here.</param>
    internal bool ShouldLook(long now) => now < _restsUntil ? _pays : IsLooking;

    /// <summary>A wait has ended for which <see cref="ShouldLook"/> was asked.</summary>
    /// <param name="now">When.</param>
    /// <param name="took">The time since the end of the wait before.</param>
    /// <param name="events">How many events came in that time.</param>
    internal void Note(long now, long took, int events)
    {
        if (now < _restsUntil || took > s_longest)
            return;
        ref Rate rate = ref IsLooking ? ref _looking : ref _asleep;
        rate.Time += took;
        rate.Events += events;
        if (++_waits == Waits)
            Settle(now, _looking.IsTimes(Worthwhile, _asleep));
    }

    /// <summary>Something else wanted the processor while it was looked for events.</summary>
    internal void Fail(long now) => Settle(now, false);

    private bool IsLooking => _waits / Turn % 2 == 1;

    private void Settle(long now, bool pays)
    {
        _pays = pays;
        _rest = pays ? s_shortestRest : Math.Min(2 * _rest, s_longestRest);
        _restsUntil = now + _rest;
        _waits = 0;
        _asleep = _looking = default;
    }

    private struct Rate
    {
        public long Time;
        public long Events;

        public readonly bool IsTimes(double factor, in Rate other) => (double)Events * other.Time > factor * other.Events * Time;
    }
}
