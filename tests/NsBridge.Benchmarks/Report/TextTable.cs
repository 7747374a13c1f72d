using System.Text;

namespace NsBridge.Benchmarks.Report;

/// <summary>The results for a terminal.</summary>
internal static class TextTable
{
    // Workload and system are words; all other columns are numbers.
    private const int WordColumns = 2;

    internal static string Of(Results results)
    {
        List<IReadOnlyList<string>> lines = [Row.Headings(results.Systems[0]), .. results.Rows().Select(row => row.Cells)];
        var widths = Enumerable.Range(0, lines[0].Count).Select(column => lines.Max(line => line[column].Length)).ToList();
        var text = new StringBuilder();
        string last = "";
        foreach (IReadOnlyList<string> line in lines)
        {
            if (line[0] != last && last.Length > 0)
                text.AppendLine();
            last = line[0];
            text.AppendJoin("  ", line.Select(
                (cell, column) => column < WordColumns ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).AppendLine();
        }
        return text.ToString();
    }
}
