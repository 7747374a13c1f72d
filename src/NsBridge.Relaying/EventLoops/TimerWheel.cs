namespace NsBridge.Relaying.EventLoops;

/// <summary>Timers of one event loop: a wheel of slots, one per tick, each a list linked through the sources. Setting and clearing cost
/// the same for any number of timers and allocate nothing.</summary>
/// <remarks>A timer further away than one turn of the wheel stays in its slot for several turns.</remarks>
internal sealed class TimerWheel
{
    /// <summary>The resolution: timeouts are of seconds, and a tenth of the shortest sensible one is enough.</summary>
    internal const int TickMilliseconds = 32;

    private const int Slots = 1024;

    // A struct for the reason given in SourceTable.
    private struct Slot
    {
        internal EventSource? First;
    }

    private readonly Slot[] _slots = new Slot[Slots];
    private readonly ulong[] _occupied = new ulong[Slots / 64];
    private long _tick;
    private int _count;
    private EventSource? _next;

    internal TimerWheel(long now) => _tick = now / TickMilliseconds;

    internal void Set(EventSource source, long deadline)
    {
        Clear(source);
        // Rounded up, and never now: a timer does not expire early.
        source.TimerTick = Math.Max(deadline / TickMilliseconds + 1, _tick + 1);
        int slot = (int)(source.TimerTick % Slots);
        EventSource? head = _slots[slot].First;
        source.TimerNext = head;
        source.TimerPrevious = null;
        if (head is not null)
            head.TimerPrevious = source;
        _slots[slot].First = source;
        _occupied[slot >> 6] |= 1UL << (slot & 63);
        source.TimerArmed = true;
        _count++;
    }

    internal void Clear(EventSource source)
    {
        if (!source.TimerArmed)
            return;
        if (ReferenceEquals(source, _next))
            _next = source.TimerNext;
        int slot = (int)(source.TimerTick % Slots);
        if (source.TimerPrevious is null)
            _slots[slot].First = source.TimerNext;
        else
            source.TimerPrevious.TimerNext = source.TimerNext;
        if (source.TimerNext is not null)
            source.TimerNext.TimerPrevious = source.TimerPrevious;
        if (_slots[slot].First is null)
            _occupied[slot >> 6] &= ~(1UL << (slot & 63));
        source.TimerNext = source.TimerPrevious = null;
        source.TimerArmed = false;
        _count--;
    }

    /// <summary>Milliseconds from <paramref name="now"/> until the next slot with timers; -1 if there is none.</summary>
    internal int Wait(long now)
    {
        if (_count == 0)
            return -1;
        for (int ahead = 1; ahead <= Slots;)
        {
            int slot = (int)((_tick + ahead) % Slots);
            ulong bits = _occupied[slot >> 6] >> (slot & 63);
            if (bits == 0)
            {
                ahead += 64 - (slot & 63);
                continue;
            }
            ahead += System.Numerics.BitOperations.TrailingZeroCount(bits);
            return (int)Math.Max(0, (_tick + ahead) * TickMilliseconds - now);
        }
        return Slots * TickMilliseconds;
    }

    /// <summary>Runs the timers that are due at <paramref name="now"/>.</summary>
    internal void Advance(long now)
    {
        long target = now / TickMilliseconds;
        if (_count == 0 || target - _tick > Slots)
            _tick = Math.Max(_tick, _count == 0 ? target : target - Slots);
        while (_tick < target)
        {
            _tick++;
            int slot = (int)(_tick % Slots);
            // OnTimer may change the list: clearing the next source moves _next on, and a timer that is set goes to the head,
            // which is behind already.
            for (EventSource? source = _slots[slot].First; source is not null; source = _next)
            {
                _next = source.TimerNext;
                if (source.TimerTick > _tick)
                    continue;
                Clear(source);
                source.OnTimer();
            }
        }
    }
}
