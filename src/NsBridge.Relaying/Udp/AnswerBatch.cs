using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Udp;

/// <summary>
/// Answers on their way to the clients of one listener. They are collected while the loop hears what its events say, from as many flows
/// as there are, and leave by one call.
/// </summary>
internal sealed class AnswerBatch : IDisposable
{
    private readonly DatagramBatch _batch = new();
    private readonly DatagramOutbox _outbox = new();
    private UdpListener? _listener;
    private UdpFlow? _last;
    private int _filled;

    /// <summary>Reads a flow's socket once.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="socket">Its socket.</param>
    /// <param name="bytes">Bytes that were read.</param>
    /// <param name="isDrained">Whether nothing more waits.</param>
    /// <returns>How many messages were read, or a negated error.</returns>
    internal int Read(UdpFlow flow, int socket, out long bytes, out bool isDrained)
    {
        bytes = 0;
        if (_listener != flow.Listener || _filled == DatagramBatch.Capacity)
            Flush();
        int room = DatagramBatch.Capacity - _filled;
        int count = _batch.Receive(socket, _filled);
        isDrained = count < room;
        if (count <= 0)
            return count;
        if (_listener is null)
        {
            _listener = flow.Listener;
            _listener.AskForTurn();
        }
        for (int i = 0; i < count; i++)
            bytes += Add(flow, _filled + i);
        _filled += count;
        return count;
    }

    private int Add(UdpFlow flow, int slot)
    {
        if (_batch.IsTruncated(slot))
        {
            flow.Listener.Table.Owner.OnDropped(Errno.EMSGSIZE, towardsTarget: false);
            return 0;
        }
        int length = _batch.Length(slot), segment = _batch.Segment(slot);
        nint address = _batch.Address(slot);
        if (flow != _last || !_outbox.TryJoin(address, length, segment, flow.Listener.LargestInTrain))
            _outbox.Add(address, length, segment, flow.Route, flow.Listener.IsSix);
        _last = flow;
        return length;
    }

    /// <summary>Sends what was collected.</summary>
    internal void Flush()
    {
        if (_listener is { } listener)
            listener.Answer(_outbox);
        DatagramSending.Pause(_filled);
        Forget();
    }

    /// <summary>The listener is about to close: what was collected for it leaves now.</summary>
    internal void FlushFor(UdpListener listener)
    {
        if (_listener == listener)
            Flush();
    }

    private void Forget()
    {
        _outbox.Clear();
        _listener = null;
        _last = null;
        _filled = 0;
    }

    public void Dispose()
    {
        _batch.Dispose();
        _outbox.Dispose();
    }
}
