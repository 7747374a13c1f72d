using NsBridge.Bridges.Connecting;

namespace NsBridge.Bridges.Joining;

/// <summary>A client that waits to be handed off.</summary>
/// <param name="Accepted">The client.</param>
/// <param name="Since">When it came, by the loop's clock.</param>
internal readonly record struct WaitingClient(AcceptedClient Accepted, long Since);

/// <summary>Clients that wait to be handed off, in the order of their arrival. A check of all of them may take several turns of the loop:
/// those that it has passed are in a queue of their own, before the others.</summary>
internal sealed class WaitingClients
{
    private Queue<WaitingClient> _checked = new();
    private Queue<WaitingClient> _unchecked = new();

    public int Count => _checked.Count + _unchecked.Count;

    /// <summary>When the first of them came, by the loop's clock; <see cref="long.MaxValue"/> without any.</summary>
    public long FirstSince => Oldest.TryPeek(out WaitingClient first) ? first.Since : long.MaxValue;

    /// <summary>The oldest clients: all if no check is under way.</summary>
    public Queue<WaitingClient> Oldest => _checked.Count > 0 ? _checked : _unchecked;

    public IEnumerable<WaitingClient> All => _checked.Concat(_unchecked);

    public void Add(in WaitingClient client) => _unchecked.Enqueue(client);

    public bool TryTake(out WaitingClient client) => Oldest.TryDequeue(out client);

    /// <summary>Takes the next client of a check, which is then kept or not.</summary>
    /// <returns>False if the check is over; the next call begins another.</returns>
    public bool TryCheckNext(out WaitingClient client)
    {
        if (_unchecked.TryDequeue(out client))
            return true;
        (_checked, _unchecked) = (_unchecked, _checked);
        return false;
    }

    /// <summary>The client of <see cref="TryCheckNext"/> stays.</summary>
    public void Keep(in WaitingClient client) => _checked.Enqueue(client);

    /// <summary>Begins the check again with the first client.</summary>
    public void Recheck()
    {
        while (TryCheckNext(out WaitingClient client))
            Keep(client);
    }
}
