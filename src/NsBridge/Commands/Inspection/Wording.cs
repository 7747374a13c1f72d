using System.Globalization;
using System.Net;
using System.Text;

namespace NsBridge.Commands.Inspection;

/// <summary>Lists and names as findings show them.</summary>
internal static class Wording
{
    private const int MostItems = 4;
    private const int NarrowestText = 20;

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

    /// <summary>Breaks a line between words where the terminal ends; a longer word stays whole.</summary>
    /// <param name="line">The line.</param>
    /// <param name="before">Characters that precede it, and spaces that precede each further line.</param>
    /// <param name="width">Of the terminal, in characters.</param>
    public static string Wrap(string line, int before, int width)
    {
        var wrapped = new StringBuilder();
        int at = before;
        foreach (string word in line.Split(' '))
        {
            if (wrapped.Length > 0 && at + 1 + word.Length > Math.Max(width, before + NarrowestText))
            {
                wrapped.Append('\n').Append(' ', before);
                at = before;
            }
            else if (wrapped.Length > 0)
            {
                wrapped.Append(' ');
                at++;
            }
            wrapped.Append(word);
            at += word.Length;
        }
        return wrapped.ToString();
    }
}
