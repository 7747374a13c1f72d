using System.Globalization;
using System.Net;

namespace NsBridge.Commands.Inspection;

/// <summary>Lists and names as findings show them.</summary>
internal static class Wording
{
    private const int MostItems = 4;

    /// <summary><c>a, b, c and 197 more</c>.</summary>
    public static string List(IEnumerable<string> items)
    {
        var all = items.ToList();
        return all.Count <= MostItems
            ? string.Join(", ", all)
            : $"{string.Join(", ", all.Take(MostItems - 1))} and {all.Count - MostItems + 1} more";
    }

    /// <summary>Consecutive ports of one address as a range: <c>127.0.0.1:8000-8099, [::1]:80</c>.</summary>
    public static string Ranges(IEnumerable<IPEndPoint> points)
    {
        var ranges = new List<(IPAddress Address, int First, int Last)>();
        foreach (IPEndPoint point in points.OrderBy(point => point.Address.ToString(), StringComparer.Ordinal).ThenBy(point => point.Port))
        {
            if (ranges is [.., var (address, first, last)] && address.Equals(point.Address) && last >= point.Port - 1)
                ranges[^1] = (address, first, point.Port);
            else
                ranges.Add((point.Address, point.Port, point.Port));
        }
        return List(ranges.Select(range => new IPEndPoint(range.Address, range.First)
            + (range.Last > range.First ? string.Create(CultureInfo.InvariantCulture, $"-{range.Last}") : "")));
    }
}
