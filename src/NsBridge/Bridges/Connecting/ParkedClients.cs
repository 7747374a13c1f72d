using NsBridge.Linux.Interop;

namespace NsBridge.Bridges.Connecting;

/// <summary>Clients that wait for a missing target, in the order of their arrival. One queue for each port of a range: services behind a
/// range come up independently.</summary>
internal sealed class ParkedClients
{
    /// <summary>Clients that may wait; further ones are reset. It bounds memory and descriptors.</summary>
    private const int Most = 1024;

    private readonly Dictionary<int, LinkedList<ConnectAttempt>> _queues = [];

    public int Count { get; private set; }

    /// <summary>Whether another client may wait.</summary>
    public bool HasRoom => Count < Most;

    /// <summary>Whether a client waits for the port at that position of the range.</summary>
    public bool HasQueue(int offset) => Count > 0 && _queues.ContainsKey(offset);

    /// <summary>Whether a new client should wait behind others. Not if the first of them has been connecting for long: an address that
    /// does not answer holds no other client up.</summary>
    /// <param name="offset">The position in the range of ports.</param>
    /// <param name="shortage">What the first of them waits for, as <see cref="ConnectAttempt.Shortage"/>.</param>
    public bool ShouldQueue(int offset, out Errno shortage)
    {
        ConnectAttempt? head = HasQueue(offset) ? _queues[offset].First!.Value : null;
        shortage = head?.Shortage ?? Errno.None;
        return head is { IsLongUnderWay: false };
    }

    /// <summary>Each in the order of arrival.</summary>
    public IEnumerable<IEnumerable<ConnectAttempt>> Queues => _queues.Values;

    public IEnumerable<ConnectAttempt> All => _queues.Values.SelectMany(queue => queue);

    /// <summary>Of each queue the first that is not connecting for long already: the next one need not wait for that answer.</summary>
    public ConnectAttempt[] Heads() =>
        [.. _queues.Values.Select(queue => queue.FirstOrDefault(attempt => !attempt.IsLongUnderWay)).OfType<ConnectAttempt>()];

    /// <summary>The first clients of one queue, in order.</summary>
    public ConnectAttempt[] Next(int offset, int count) =>
        _queues.TryGetValue(offset, out LinkedList<ConnectAttempt>? queue) ? [.. queue.Take(count)] : [];

    public void Add(ConnectAttempt attempt)
    {
        if (!_queues.TryGetValue(attempt.Accepted.Offset, out LinkedList<ConnectAttempt>? queue))
            _queues.Add(attempt.Accepted.Offset, queue = new LinkedList<ConnectAttempt>());
        attempt.Parked = queue.AddLast(attempt);
        Count++;
    }

    /// <summary>Removes a client if it waits here.</summary>
    public void Remove(ConnectAttempt attempt)
    {
        if (attempt.Parked is not { } node)
            return;
        node.List!.Remove(node);
        attempt.Parked = null;
        Count--;
        int offset = attempt.Accepted.Offset;
        if (_queues[offset].Count == 0)
            _queues.Remove(offset);
    }
}
