namespace NsBridge.Relaying.EventLoops;

/// <summary>
/// The sources of one loop by number. A number that was given out once finds its source until that leaves, and never the next one in its place: what
/// the kernel still had to say of the old one finds nobody.
/// </summary>
internal sealed class SourceTable
{
    private const int InitialSlots = 64;
    private const int ReservedBits = 3;

    // Not an array of references: each store into one asks whether it may hold what it is given, which it cannot tell at once where that is of a derived type.
    private struct Slot
    {
        internal EventSource? Source;
        internal uint Generation;
    }

    private readonly Stack<int> _free = new();
    private Slot[] _slots = new Slot[InitialSlots];
    private int _used;

    internal void Add(EventSource source)
    {
        if (!_free.TryPop(out int slot))
        {
            slot = _used++;
            if (slot == _slots.Length)
                Array.Resize(ref _slots, slot * 2);
        }
        _slots[slot].Source = source;
        source.Slot = slot;
    }

    internal void Remove(EventSource source)
    {
        int slot = source.Slot;
        if (slot == EventSource.NoSlot)
            return;
        source.Slot = EventSource.NoSlot;
        _slots[slot].Source = null;
        _slots[slot].Generation++;
        _free.Push(slot);
    }

    /// <summary>The number of <paramref name="source"/> is that of <paramref name="by"/> from now on.</summary>
    internal void Replace(EventSource source, EventSource by)
    {
        by.Slot = source.Slot;
        source.Slot = EventSource.NoSlot;
        _slots[by.Slot].Source = by;
    }

    /// <summary>The number of an added source; its lowest three bits are the caller's.</summary>
    internal ulong Number(EventSource source) => (ulong)_slots[source.Slot].Generation << 32 | (uint)source.Slot << ReservedBits;

    /// <summary>The source of a number; null where it has left.</summary>
    internal EventSource? Find(ulong number)
    {
        int slot = (int)((uint)number >> ReservedBits);
        return slot < _slots.Length && _slots[slot].Generation == (uint)(number >> 32) ? _slots[slot].Source : null;
    }
}
