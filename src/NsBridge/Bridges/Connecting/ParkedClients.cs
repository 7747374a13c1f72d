using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NsBridge.Linux.Interop;
using NsBridge.Relaying.Halves;

namespace NsBridge.Bridges.Connecting;

/// <summary>Clients that wait for a missing target, in the order of their arrival. One queue for each port of a range: services behind a
/// range come up independently.</summary>
/// <param name="counters">Counts them.</param>
internal sealed class ParkedClients(RelayCounters counters)
{
    /// <summary>Parked clients that are connected at once when the target is back. On the stack: a retry may lead to another one.</summary>
    [InlineArray(Size)]
    public struct Batch
    {
        public const int Size = 64;

        private ConnectAttempt _first;
    }

    /// <summary>Clients that may wait; further ones are reset. It bounds memory and descriptors.</summary>
    private const int Most = 1024;

    /// <summary>Places that one client address may take. Clients of the UNIX socket have none and no such limit.</summary>
    private const int MostPerClient = Most / 4;

    private readonly Dictionary<int, LinkedList<ConnectAttempt>> _queues = [];
    private readonly Dictionary<UInt128, int> _perClient = [];

    public int Count { get; private set; }

    /// <summary>Whether a client may wait.</summary>
    public bool HasRoom(in AcceptedClient client) => Count < Most
        && (client.Peer.IsUnix || _perClient.GetValueOrDefault(client.Peer.ClientBits) < MostPerClient);

    /// <summary>Whether a client waits for the port at that position of the range.</summary>
    public bool HasQueue(int offset) => First(offset) is not null;

    private LinkedListNode<ConnectAttempt>? First(int offset) =>
        Count > 0 && _queues.TryGetValue(offset, out LinkedList<ConnectAttempt>? queue) ? queue.First : null;

    /// <summary>Whether a new client should wait behind others. Not if the first of them has been connecting for long: an address that
    /// does not answer holds no other client up.</summary>
    /// <param name="offset">The position in the range of ports.</param>
    /// <param name="shortage">What the first of them waits for, as <see cref="ConnectAttempt.Shortage"/>.</param>
    public bool ShouldQueue(int offset, out Errno shortage)
    {
        ConnectAttempt? head = First(offset)?.Value;
        shortage = head?.Shortage ?? Errno.None;
        return head is { IsLongUnderWay: false };
    }

    /// <summary>Queues, empty ones too.</summary>
    public int QueueCount => _queues.Count;

    /// <summary>Each in the order of arrival.</summary>
    public IEnumerable<IEnumerable<ConnectAttempt>> Queues => _queues.Values;

    public IEnumerable<ConnectAttempt> All => _queues.Values.SelectMany(queue => queue);

    /// <summary>Of each queue the first that is not connecting for long already: the next one need not wait for that answer.</summary>
    /// <param name="to">Room for <see cref="QueueCount"/>.</param>
    /// <returns>How many there are.</returns>
    public int Heads(Span<ConnectAttempt> to)
    {
        int count = 0;
        foreach (LinkedList<ConnectAttempt> queue in _queues.Values)
        {
            LinkedListNode<ConnectAttempt>? node = queue.First;
            while (node is { Value.IsLongUnderWay: true })
                node = node.Next;
            if (node is not null)
                to[count++] = node.Value;
        }
        return count;
    }

    /// <summary>The first clients of one queue, in order.</summary>
    /// <returns>How many there are, <paramref name="to"/> at most.</returns>
    public int Next(int offset, Span<ConnectAttempt> to)
    {
        int count = 0;
        for (LinkedListNode<ConnectAttempt>? node = First(offset); node is not null && count < to.Length; node = node.Next)
            to[count++] = node.Value;
        return count;
    }

    public void Add(ConnectAttempt attempt)
    {
        if (!_queues.TryGetValue(attempt.Accepted.Offset, out LinkedList<ConnectAttempt>? queue))
            _queues.Add(attempt.Accepted.Offset, queue = new LinkedList<ConnectAttempt>());
        queue.AddLast(attempt.Place);
        Count++;
        counters.AddParked(1);
        if (!attempt.Accepted.Peer.IsUnix)
            CollectionsMarshal.GetValueRefOrAddDefault(_perClient, attempt.Accepted.Peer.ClientBits, out _)++;
    }

    /// <summary>Removes a client if it waits here.</summary>
    public void Remove(ConnectAttempt attempt)
    {
        if (!attempt.IsParked)
            return;
        // An empty queue stays for the next client.
        attempt.Place.List!.Remove(attempt.Place);
        Count--;
        counters.AddParked(-1);
        PeerAddress peer = attempt.Accepted.Peer;
        if (!peer.IsUnix && --CollectionsMarshal.GetValueRefOrAddDefault(_perClient, peer.ClientBits, out _) == 0)
            _perClient.Remove(peer.ClientBits);
    }
}
