using System.Globalization;
using System.Text;

namespace NsBridge.Benchmarks.Report;

/// <summary>A picture of the results: for each workload a group of bars, as long as the rate is beside the group's fastest.</summary>
internal static class BarChart
{
    private const int Width = 820;
    private const int LabelWidth = 190;
    private const int FigureWidth = 120;
    private const int BarHeight = 14;
    private const int BarGap = 3;
    private const int GroupGap = 16;
    private const int Top = 46;
    private const int LegendStep = 110;
    // Apart in lightness as well as in hue, and readable on light and dark pages.
    private static readonly string[] s_colours = ["#0b7285", "#e8590c", "#868e96", "#9c6ade", "#a9b665"];

    internal static string Of(Results results)
    {
        int group = results.Systems.Count * (BarHeight + BarGap) + GroupGap;
        int height = Top + results.Workloads.Count * group;
        var svg = new StringBuilder(Invariant(
            $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" font-family="sans-serif" font-size="12">
            <title>Rates of {string.Join(", ", results.Systems)}</title>
            <rect width="100%" height="100%" fill="#ffffff"/>

            """));
        for (int i = 0; i < results.Systems.Count; i++)
        {
            svg.Append(Invariant($"""<rect x="{LabelWidth + i * LegendStep}" y="14" width="12" height="12" fill="{Colour(i)}"/>"""))
                .Append('\n');
            svg.Append(Invariant($"""<text x="{LabelWidth + i * LegendStep + 17}" y="24">{results.Systems[i]}</text>""")).Append('\n');
        }
        for (int i = 0; i < results.Workloads.Count; i++)
            Group(svg, results, results.Workloads[i], Top + i * group);
        return svg.Append("</svg>\n").ToString();
    }

    private static void Group(StringBuilder svg, Results results, Load.Workload workload, int top)
    {
        var rows = results.Systems.Select(system => results.RowOf(workload, system)).ToList();
        double fastest = rows.Max(row => row.Rate);
        int middle = top + rows.Count * (BarHeight + BarGap) / 2 + 2;
        svg.Append(Invariant($"""<text x="{LabelWidth - 12}" y="{middle}" text-anchor="end">{workload.Title}</text>""")).Append('\n');
        for (int i = 0; i < rows.Count; i++)
        {
            int y = top + i * (BarHeight + BarGap);
            double width = fastest > 0 ? (Width - LabelWidth - FigureWidth) * rows[i].Rate / fastest : 0;
            svg.Append(Invariant($"""<rect x="{LabelWidth}" y="{y}" width="{width:0.0}" height="{BarHeight}" fill="{Colour(i)}"/>"""))
                .Append('\n');
            double end = LabelWidth + width + 6;
            svg.Append(Invariant($"""<text x="{end:0.0}" y="{y + BarHeight - 3}" fill="#343a40">{rows[i].Cells[2]}</text>""")).Append('\n');
        }
    }

    private static string Colour(int system) => s_colours[system % s_colours.Length];

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
