namespace NsBridge.ArchitectureTests;

/// <summary>Strongly connected components with more than one member (Tarjan).</summary>
internal sealed class Circles
{
    private readonly ILookup<string, string> _edges;
    private readonly Dictionary<string, int> _index = [];
    private readonly Dictionary<string, int> _low = [];
    private readonly Stack<string> _stack = new();
    private readonly List<IReadOnlyList<string>> _found = [];

    private Circles(IEnumerable<(string From, string To)> edges) => _edges = edges.Distinct().ToLookup(edge => edge.From, edge => edge.To);

    internal static IReadOnlyList<IReadOnlyList<string>> Of(IEnumerable<(string From, string To)> edges)
    {
        var search = new Circles(edges);
        foreach (string node in search._edges.Select(group => group.Key).Order(StringComparer.Ordinal))
        {
            if (!search._index.ContainsKey(node))
                search.Visit(node);
        }
        return search._found;
    }

    private void Visit(string node)
    {
        _index[node] = _low[node] = _index.Count;
        _stack.Push(node);
        foreach (string next in _edges[node])
        {
            if (!_index.TryGetValue(next, out int index))
            {
                Visit(next);
                _low[node] = Math.Min(_low[node], _low[next]);
            }
            else if (_stack.Contains(next))
                _low[node] = Math.Min(_low[node], index);
        }

        if (_low[node] != _index[node])
            return;
        var circle = new List<string>();
        do
            circle.Add(_stack.Pop());
        while (circle[^1] != node);
        if (circle.Count > 1)
            _found.Add([.. circle.Order(StringComparer.Ordinal)]);
    }
}
