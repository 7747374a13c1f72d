using System.Text.RegularExpressions;

namespace NsBridge.Configuration.Options;

/// <summary>The rows of the table as the documents show them.</summary>
internal static partial class KeyDocuments
{
    /// <summary>Rows of a Markdown table: key, meaning, default.</summary>
    public static IEnumerable<string> Markdown(IEnumerable<ValueKey> rows) =>
        rows.Select(row => $"| `{row.Path}` | {row.Help.TrimEnd('.')} | {DefaultOf(row)} |");

    /// <summary>One line of text: each key with its default.</summary>
    public static string Line(IEnumerable<ValueKey> rows) => string.Join(", ", rows.Select(row => $"`{row.Path}` ({DefaultOf(row)})"));

    /// <summary>Tagged paragraphs of a manual page.</summary>
    public static IEnumerable<string> Manual(IEnumerable<ValueKey> rows) =>
        rows.SelectMany<ValueKey, string>(row => [".TP", $".B {Roff(row.Path)}", Roff(row.Help), $"Default: {Roff(DefaultOf(row))}."]);

    private static string DefaultOf(ValueKey row) => row.DefaultNote ?? $"`{row.DefaultText}`";

    private static string Roff(string text) =>
        Literal().Replace(text.Replace("-", @"\-", StringComparison.Ordinal), @"\fB$1\fR");

    [GeneratedRegex("`([^`]*)`")]
    private static partial Regex Literal();
}
