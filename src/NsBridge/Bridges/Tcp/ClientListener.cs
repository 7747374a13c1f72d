using NsBridge.Bridges.Admission;
using NsBridge.Bridges.Connecting;
using NsBridge.Bridges.Joining;
using NsBridge.Bridges.Listening;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.EventLoops;
using NsBridge.Relaying.Halves;
using NsBridge.Relaying.Tcp;

namespace NsBridge.Bridges.Tcp;

/// <summary>A TCP listener of the outer half: admits or refuses each client, and passes the admitted ones of a batch to the join.</summary>
/// <param name="clients">Admits clients.</param>
/// <param name="join">Owns an admitted client from <see cref="IJoin.Pass"/> on.</param>
/// <param name="loop">The loop it lives on.</param>
/// <param name="listener">A listening TCP socket, owned from here on.</param>
/// <param name="descriptors">Gets the shortages.</param>
/// <param name="batch">Room for <see cref="Acceptor.Batch"/> clients, which the listeners of a loop share: 4 KiB.</param>
internal sealed class ClientListener(
    IClientAdmission clients, IJoin join, EventLoop loop, OpenListener listener, DescriptorBudget descriptors, AcceptedClient[] batch)
    : Acceptor(loop, listener.Descriptor, descriptors)
{
    private int _count;

    /// <summary>What it was opened for.</summary>
    public ListenSocket Wanted { get; } = listener.Wanted;

    protected override bool HasRoom => clients.HasRoom;

    protected override void OnAccepted(int descriptor, in SockAddr peer)
    {
        PeerAddress address = PeerAddress.From(peer);
        if (!clients.Admit(address))
        {
            Libc.CloseWithReset(descriptor);
            return;
        }
        batch[_count++] = new AcceptedClient(descriptor, SocketKind.Tcp, address, Wanted.Offset, 0);
    }

    protected override void OnBatchEnd()
    {
        if (_count == 0)
            return;
        int count = _count;
        _count = 0;
        join.Pass(batch.AsSpan(0, count));
    }
}
