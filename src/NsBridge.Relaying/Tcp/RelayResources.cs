using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Tcp.Ring;

namespace NsBridge.Relaying.Tcp;

/// <summary>What the relays of one loop share. On the loop's thread, except <see cref="AllowRing"/>.</summary>
public sealed class RelayResources : ILoopResource
{
    private readonly EventLoop _loop;
    private bool _mayRing;
    private MessageRing? _ring;

    private RelayResources(EventLoop loop)
    {
        _loop = loop;
        Scratch = Blocks.Rent(BlockPool.Largest);
    }

    internal static RelayResources Of(EventLoop loop) => loop.Resource(() => new RelayResources(loop));

    /// <summary>The most descriptors that the pipes of all loops use.</summary>
    public static int MostPipeDescriptors => 2 * PipePool.Limit;

    internal BlockPool Blocks { get; } = new();

    internal PipePool Pipes { get; } = new();

    /// <summary>Each read goes here first; a relay whose sink does not take all keeps the rest.</summary>
    internal Block Scratch { get; set; }

    /// <summary>The io_uring for small messages, made at its first use; null if it is not allowed or the kernel refuses it.</summary>
    internal MessageRing? Ring
    {
        get
        {
            if (_mayRing)
                _ring = MessageRing.TryCreate(_loop);
            _mayRing = false;
            return _ring;
        }
    }

    /// <summary>Allows the loop's relays to use io_uring(7). Before the first relay.</summary>
    public static void AllowRing(EventLoop loop) => Of(loop)._mayRing = true;

    public void OnIdle()
    {
        Pipes.Empty();
        // Long reads, which have touched the whole scratch block, are what leaves blocks in the pool.
        if (Blocks.Empty())
            NativePages.Discard(Scratch.Address, Scratch.Size);
    }

    public void Dispose()
    {
        _ring?.Dispose();
        Blocks.Return(Scratch);
        Blocks.Dispose();
        Pipes.Empty();
    }
}
