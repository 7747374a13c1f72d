namespace NsBridge.Bridges.Connecting;

/// <summary>Clients on their way to the target, in no order. Every connection comes in and leaves: a dial knows its place, so neither is a search.</summary>
internal sealed class ConnectAttempts
{
    /// <summary>The place of a dial that is not in the set.</summary>
    public const int Nowhere = -1;

    private readonly List<ConnectAttempt> _dials = [];

    public int Count => _dials.Count;

    public IReadOnlyList<ConnectAttempt> All => _dials;

    public void Add(ConnectAttempt dial)
    {
        dial.Place = _dials.Count;
        _dials.Add(dial);
    }

    /// <summary>Where the dial is not in the set, nothing happens.</summary>
    public void Remove(ConnectAttempt dial)
    {
        if (dial.Place == Nowhere)
            return;
        ConnectAttempt last = _dials[^1];
        _dials[dial.Place] = last;
        last.Place = dial.Place;
        dial.Place = Nowhere;
        _dials.RemoveAt(_dials.Count - 1);
    }
}
