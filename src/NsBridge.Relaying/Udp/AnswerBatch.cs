using NsBridge.Linux.Interop;

namespace NsBridge.Relaying.Udp;

/// <summary>Sends answers to clients.</summary>
internal interface IAnswerSender
{
    /// <summary>Whether its clients' addresses are AF_INET6 ones.</summary>
    bool IsSix { get; }

    /// <summary>Datagrams longer than this are not joined to a train.</summary>
    int LargestInTrain { get; }

    /// <summary>Asks for a turn after the current events; <see cref="AnswerBatch.FlushFor"/> is due then.</summary>
    void AskForTurn();

    void Send(DatagramOutbox answers);

    /// <summary>An answer did not fit into a buffer.</summary>
    void OnTruncated();
}

/// <summary>A flow that answers are for.</summary>
internal interface IAnswerFlow
{
    /// <summary>Where its answers go.</summary>
    DatagramRoute Route { get; }

    /// <summary>Whether a datagram that came from this port is an answer.</summary>
    bool TakesFrom(ushort port);
}

/// <summary>Answers to the clients of one listener. Those of all flows are collected while the loop calls its sources, and one call sends
/// them.</summary>
internal sealed class AnswerBatch : IDisposable
{
    private readonly DatagramBatch _batch = new();
    private readonly DatagramOutbox _outbox = new();
    private IAnswerSender? _sender;
    private IAnswerFlow? _lastFlow;
    private int _filled;

    /// <summary>Reads a flow's socket once.</summary>
    /// <param name="sender">Sends the answers.</param>
    /// <param name="flow">The flow: only answers of the same flow are joined to one train.</param>
    /// <param name="socket">The flow's socket.</param>
    /// <param name="bytes">Bytes that were read.</param>
    /// <param name="isDrained">Whether the socket is empty.</param>
    /// <returns>How many messages were read, or a negated error.</returns>
    internal int Read(IAnswerSender sender, IAnswerFlow flow, int socket, out long bytes, out bool isDrained)
    {
        bytes = 0;
        if (_sender != sender || _filled == DatagramBatch.Capacity)
            Flush();
        int room = DatagramBatch.Capacity - _filled;
        int count = _batch.Receive(socket, _filled);
        isDrained = count < room;
        if (count <= 0)
            return count;
        if (_sender is null)
        {
            _sender = sender;
            sender.AskForTurn();
        }
        for (int i = 0; i < count; i++)
            bytes += Add(sender, flow, _filled + i);
        _filled += count;
        return count;
    }

    private int Add(IAnswerSender sender, IAnswerFlow flow, int slot)
    {
        if (!flow.TakesFrom(_batch.Port(slot)))
            return 0;
        if (_batch.IsTruncated(slot))
        {
            sender.OnTruncated();
            return 0;
        }
        int length = _batch.Length(slot), segment = _batch.Segment(slot);
        nint address = _batch.Address(slot);
        if (flow != _lastFlow || !_outbox.TryJoin(address, length, segment, sender.LargestInTrain))
            _outbox.Add(address, length, segment, flow.Route, sender.IsSix);
        _lastFlow = flow;
        return length;
    }

    /// <summary>Sends the answers that were collected for this listener.</summary>
    internal void FlushFor(IAnswerSender sender)
    {
        if (_sender == sender)
            Flush();
    }

    /// <summary>The flow has ended and may become another one: no answer is joined to its last.</summary>
    internal void Forget(IAnswerFlow flow)
    {
        if (_lastFlow == flow)
            _lastFlow = null;
    }

    private void Flush()
    {
        _sender?.Send(_outbox);
        DatagramSending.Pause(_filled);
        _outbox.Clear();
        _sender = null;
        _lastFlow = null;
        _filled = 0;
    }

    public void Dispose()
    {
        _batch.Dispose();
        _outbox.Dispose();
    }
}
