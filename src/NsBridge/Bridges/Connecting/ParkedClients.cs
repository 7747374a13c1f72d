using NsBridge.Linux.Interop;

namespace NsBridge.Bridges.Connecting;

/// <summary>
/// Clients who wait for a target that is not there, in the order in which they came. Those of each port of a range stand in a line of their own:
/// one port's service may be there long before another's.
/// </summary>
internal sealed class ParkedClients
{
    /// <summary>Clients that may wait. Beyond it they are reset: memory and descriptors are bounded.</summary>
    private const int Most = 1024;

    private readonly Dictionary<int, LinkedList<ConnectAttempt>> _lines = [];

    public int Count { get; private set; }

    /// <summary>Whether another client may wait.</summary>
    public bool HasRoom => Count < Most;

    /// <summary>Whether somebody waits for the port at that position of the range.</summary>
    public bool HasLine(int offset) => Count > 0 && _lines.ContainsKey(offset);

    /// <summary>
    /// Whether a client who comes now should wait behind others. Where the first of them has long been dialling, as to a place that does not answer,
    /// nobody has to wait for the end of that.
    /// </summary>
    /// <param name="offset">The position in the range of ports.</param>
    /// <param name="shortage">What the first of them waits for, as <see cref="ConnectAttempt.Shortage"/>.</param>
    public bool ShouldQueue(int offset, out Errno shortage)
    {
        ConnectAttempt? head = HasLine(offset) ? _lines[offset].First!.Value : null;
        shortage = head?.Shortage ?? Errno.None;
        return head is { IsLongUnderWay: false };
    }

    public IEnumerable<ConnectAttempt> All => _lines.Values.SelectMany(line => line);

    /// <summary>Of each line the first who is not dialling already, without an answer: what he waits for may be an answer that the next one need not wait for.</summary>
    public ConnectAttempt[] Heads() => [.. _lines.Values.Select(line => line.FirstOrDefault(dial => !dial.IsLongUnderWay)).OfType<ConnectAttempt>()];

    /// <summary>The first of one line, in order.</summary>
    public ConnectAttempt[] Next(int offset, int count) => _lines.TryGetValue(offset, out LinkedList<ConnectAttempt>? line) ? [.. line.Take(count)] : [];

    public void Add(ConnectAttempt dial)
    {
        if (!_lines.TryGetValue(dial.Accepted.Offset, out LinkedList<ConnectAttempt>? line))
            _lines.Add(dial.Accepted.Offset, line = new LinkedList<ConnectAttempt>());
        dial.Parked = line.AddLast(dial);
        Count++;
    }

    /// <summary>Takes a client out, where it waits here.</summary>
    public void Remove(ConnectAttempt dial)
    {
        if (dial.Parked is not { } node)
            return;
        node.List!.Remove(node);
        dial.Parked = null;
        Count--;
        int offset = dial.Accepted.Offset;
        if (_lines[offset].Count == 0)
            _lines.Remove(offset);
    }
}
