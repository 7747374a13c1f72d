using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;

namespace NsBridge.Relaying.Udp;

/// <summary>Copies of a flow's first datagrams, kept while they may have to be sent for the first time or once more. All flows of a table
/// together keep at most <see cref="FlowTable.KeptBytes"/>.</summary>
internal struct FlowBacklog
{
    /// <summary>Datagrams kept for one flow; later ones are lost, as they are while a network is down.</summary>
    internal const int Most = 16;

    /// <summary>Bytes kept for one flow: room for the largest datagram.</summary>
    private const int MostBytes = 64 * 1024;

    private Block _block;
    private int _bytes;
    // Kept for the next flow.
    private int[]? _lengths;

    internal int Count { get; private set; }

    /// <summary>Bytes of memory in use.</summary>
    internal readonly int Size => _block.Size;

    /// <summary>Keeps a copy.</summary>
    /// <param name="blocks">Lends the memory.</param>
    /// <param name="address">The datagram.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="allowance">Bytes of memory that may be borrowed in addition.</param>
    /// <returns>False if it was not kept.</returns>
    internal bool TryKeep(BlockPool blocks, nint address, int length, int allowance)
    {
        if (Count == Most || _bytes + length > MostBytes)
            return false;
        if (_bytes + length > _block.Size || _block.IsNone)
        {
            if (_bytes + length - _block.Size > allowance)
                return false;
            Block larger = blocks.Rent(Math.Max(1, _bytes + length));
            if (larger.IsNone)
                return false;
            if (larger.Size - _block.Size > allowance)
            {
                blocks.Return(larger);
                return false;
            }
            if (!_block.IsNone)
            {
                NativePages.Copy(_block.Address, larger.Address, _bytes);
                blocks.Return(_block);
            }
            _block = larger;
        }
        NativePages.Copy(address, _block.Address + _bytes, length);
        _lengths ??= new int[Most];
        _lengths[Count++] = length;
        _bytes += length;
        return true;
    }

    /// <summary>How many of the kept bytes a socket has taken before. They are counted once, however often they are sent.</summary>
    internal int Counted { get; private set; }

    /// <summary>Adds all kept datagrams to an outbox for a connected socket.</summary>
    internal readonly void AddTo(DatagramOutbox outbox)
    {
        int offset = 0;
        for (int i = 0; i < Count; i++)
        {
            outbox.Add(_block.Address + offset, _lengths![i], 0);
            offset += _lengths[i];
        }
    }

    /// <summary>A socket has taken so many bytes that were not counted before.</summary>
    internal void NoteCounted(long bytes) => Counted = (int)Math.Min(_bytes, Counted + bytes);

    internal void Clear(BlockPool blocks)
    {
        if (!_block.IsNone)
            blocks.Return(_block);
        _block = default;
        _bytes = Count = Counted = 0;
    }
}
