using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Tcp;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Listening;

/// <summary>A TCP listener of the outer half: admits or refuses, and passes those who are in to the join.</summary>
internal sealed class ClientListener : Acceptor
{
    private readonly OuterHalf _half;
    private readonly int _offset;
    private readonly AcceptedClient[] _batch = new AcceptedClient[Batch];
    private int _count;

    /// <param name="half">Whose listener it is.</param>
    /// <param name="loop">The loop it lives on.</param>
    /// <param name="listener">A listening TCP socket, owned from here on.</param>
    /// <param name="offset">Its position in the range of ports.</param>
    /// <param name="descriptors">Told of shortages.</param>
    public ClientListener(OuterHalf half, EventLoop loop, int listener, int offset, DescriptorBudget descriptors)
        : base(loop, listener, descriptors)
    {
        _half = half;
        _offset = offset;
    }

    protected override void OnAccepted(int descriptor, in SockAddr peer)
    {
        PeerAddress address = PeerAddress.From(peer);
        if (!_half.Admit(address))
        {
            Libc.CloseWithReset(descriptor);
            return;
        }
        _batch[_count++] = new AcceptedClient(descriptor, SocketKind.Tcp, address, _offset, 0);
    }

    protected override void OnBatchEnd()
    {
        if (_count == 0)
            return;
        int count = _count;
        _count = 0;
        _half.Pass(_batch.AsSpan(0, count));
    }
}
