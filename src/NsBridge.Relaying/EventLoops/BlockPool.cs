using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.EventLoops;

/// <summary>A piece of native memory borrowed from a <see cref="BlockPool"/>.</summary>
/// <param name="Address">Where it begins; 0 for no block.</param>
/// <param name="Size">Bytes.</param>
internal readonly record struct Block(nint Address, int Size)
{
    internal bool IsNone => Address == 0;
}

/// <summary>Native memory in four sizes for bytes that a peer has not taken yet. The pool keeps few blocks; it unmaps the rest at once, so
/// that memory falls when a stall is over.</summary>
internal sealed class BlockPool : IDisposable
{
    /// <summary>The largest block and the size of one read. Measured: from 64 to 256 KiB a bulk stream gains 50 %.</summary>
    internal const int Largest = 256 * 1024;

    private const int Classes = 4;
    private const int SmallestShift = 12;
    private const int KeptBytesPerClass = 2 * 1024 * 1024;

    private readonly Stack<nint>[] _kept = [new(), new(), new(), new()];

    /// <summary>A block of at least <paramref name="bytes"/>, at most <see cref="Largest"/>; none without memory.</summary>
    internal Block Rent(int bytes)
    {
        int sizeClass = ClassOf(bytes);
        int size = Size(sizeClass);
        return new Block(_kept[sizeClass].TryPop(out nint address) ? address : NativePages.Map(size), size);
    }

    internal void Return(Block block)
    {
        int sizeClass = ClassOf(block.Size);
        if ((_kept[sizeClass].Count + 1) * block.Size <= KeptBytesPerClass)
            _kept[sizeClass].Push(block.Address);
        else
            NativePages.Unmap(block.Address, block.Size);
    }

    /// <summary>Unmaps the kept blocks.</summary>
    /// <returns>Whether there were any.</returns>
    internal bool Empty()
    {
        bool had = false;
        for (int i = 0; i < Classes; i++)
        {
            while (_kept[i].TryPop(out nint address))
            {
                NativePages.Unmap(address, Size(i));
                had = true;
            }
        }
        return had;
    }

    private static int ClassOf(int bytes)
    {
        int sizeClass = 0;
        while (Size(sizeClass) < bytes)
            sizeClass++;
        return sizeClass;
    }

    // 4, 16, 64 and 256 KiB.
    private static int Size(int sizeClass) =>
        sizeClass < Classes ? 1 << (SmallestShift + 2 * sizeClass) : throw new ArgumentOutOfRangeException(nameof(sizeClass));

    public void Dispose() => Empty();
}
