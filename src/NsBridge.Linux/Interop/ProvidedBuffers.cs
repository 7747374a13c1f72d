namespace NsBridge.Linux.Interop;

/// <summary>
/// Buffers of one size that an <see cref="IoUring"/> receives into: the kernel takes one when bytes are there, so a connection that is waited
/// for holds none.
/// </summary>
public sealed unsafe class ProvidedBuffers : IDisposable
{
    private readonly nint _memory;
    private readonly nint _ring;
    private readonly int _count;
    private ushort _tail;

    private ProvidedBuffers(nint memory, nint ring, int count, int size)
    {
        _memory = memory;
        _ring = ring;
        _count = count;
        Size = size;
        for (int id = 0; id < count; id++)
            Return(id);
    }

    /// <summary>Bytes of a buffer.</summary>
    public int Size { get; }

    /// <param name="ring">The ring that is to use them.</param>
    /// <param name="group">The number requests know them by.</param>
    /// <param name="count">How many; a power of two.</param>
    /// <param name="size">Bytes of each.</param>
    /// <returns>Null where the kernel refuses.</returns>
    internal static ProvidedBuffers? TryCreate(int ring, ushort group, int count, int size)
    {
        nint memory = NativePages.Map(count * size);
        nint entries = NativePages.Map(count * sizeof(Libc.IoUringBuffer));
        if (memory != 0 && entries != 0)
        {
            Libc.IoUringBufferRegistration registration = new() { RingAddress = (ulong)entries, RingEntries = (uint)count, BufferGroup = group };
            if (Libc.IoUringRegister(ring, Libc.IORING_REGISTER_PBUF_RING, &registration, 1) >= 0)
                return new ProvidedBuffers(memory, entries, count, size);
        }
        Unmap(memory, count * size);
        Unmap(entries, count * sizeof(Libc.IoUringBuffer));
        return null;
    }

    /// <summary>Where a buffer begins.</summary>
    public nint Address(int id) => _memory + id * Size;

    /// <summary>Gives a buffer back to the kernel.</summary>
    public void Return(int id)
    {
        var entries = (Libc.IoUringBuffer*)_ring;
        Libc.IoUringBuffer* entry = entries + (_tail & (_count - 1));
        // Field by field: the tail lives in the first entry's last one.
        entry->Address = (ulong)Address(id);
        entry->Length = (uint)Size;
        entry->Id = (ushort)id;
        Volatile.Write(ref entries->Tail, ++_tail);
    }

    /// <summary>When the ring is closed.</summary>
    public void Dispose()
    {
        Unmap(_memory, _count * Size);
        Unmap(_ring, _count * sizeof(Libc.IoUringBuffer));
    }

    private static void Unmap(nint address, int bytes)
    {
        if (address != 0)
            NativePages.Unmap(address, bytes);
    }
}
