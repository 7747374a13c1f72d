namespace NsBridge.Relaying.EventLoops;

/// <summary>The sources of one loop by key. A key finds its source until that is removed, and never the next source in the same slot: late
/// events of a removed source are dropped.</summary>
internal sealed class SourceTable
{
    private const int InitialSlots = 64;
    private const int ReservedBits = 3;

    // A struct, not an array of references: a store into one checks the derived type of the reference each time.
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

    /// <summary>The key of <paramref name="source"/> is that of <paramref name="by"/> from now on.</summary>
    internal void Replace(EventSource source, EventSource by)
    {
        by.Slot = source.Slot;
        source.Slot = EventSource.NoSlot;
        _slots[by.Slot].Source = by;
    }

    /// <summary>The key of an added source; its lowest three bits are the caller's.</summary>
    internal ulong Key(EventSource source) => (ulong)_slots[source.Slot].Generation << 32 | (uint)source.Slot << ReservedBits;

    /// <summary>The source of a key; null if it has been removed.</summary>
    internal EventSource? Find(ulong key)
    {
        int slot = (int)((uint)key >> ReservedBits);
        return slot < _slots.Length && _slots[slot].Generation == (uint)(key >> 32) ? _slots[slot].Source : null;
    }
}
