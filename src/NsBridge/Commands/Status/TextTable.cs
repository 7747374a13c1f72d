using System.Text;

namespace NsBridge.Commands.Status;

/// <summary>A column of a <see cref="TextTable"/>.</summary>
/// <param name="Head">Its heading.</param>
/// <param name="Rank">If not all columns fit, those with the highest rank are left out; those of rank 0 stay.</param>
/// <param name="IsNumber">Whether it is aligned to the right.</param>
internal readonly record struct Column(string Head, int Rank, bool IsNumber = false);

/// <summary>Rows in aligned columns. An empty column is left out.</summary>
internal sealed class TextTable
{
    private const string Sign = "…";

    private readonly Column[] _columns;
    private readonly int[] _widths;

    /// <param name="columns">The columns in their order.</param>
    /// <param name="rows">The cells of each row.</param>
    /// <param name="width">Of the terminal, in characters. If columns are left out for it, the line of heads ends with a sign.</param>
    public TextTable(Column[] columns, IReadOnlyCollection<string[]> rows, int width)
    {
        _columns = columns;
        _widths = [.. columns.Select((column, i) =>
            rows.Max(row => row[i].Length) is > 0 and var most ? Math.Max(column.Head.Length, most) : 0)];
        bool isCut = Fit(width);
        Heads = Row([.. columns.Select(column => column.Head)]) + (isCut ? $" {Sign}" : "");
    }

    public string Heads { get; }

    /// <summary>The width of the first column, with its gap.</summary>
    public int Indent => _widths[0] + 2;

    /// <param name="cells">One for each column.</param>
    /// <param name="paint">Gets a column and its padded cell, and may add colours.</param>
    public string Row(string[] cells, Func<int, string, string>? paint = null)
    {
        var line = new StringBuilder();
        for (int i = 0; i < cells.Length; i++)
        {
            if (_widths[i] == 0)
                continue;
            string cell = _columns[i].IsNumber ? cells[i].PadLeft(_widths[i]) : cells[i].PadRight(_widths[i]);
            line.Append(' ', GapBefore(i)).Append(paint is null ? cell : paint(i, cell));
        }
        return line.ToString().TrimEnd();
    }

    /// <summary>Sets the width of the columns to leave out to zero.</summary>
    /// <returns>Whether there are any.</returns>
    private bool Fit(int width)
    {
        bool isCut = false;
        foreach (int rank in _columns.Select(column => column.Rank).Distinct().OrderDescending())
        {
            int taken = Enumerable.Range(0, _widths.Length).Sum(i => _widths[i] > 0 ? _widths[i] + GapBefore(i) : 0);
            if (rank == 0 || taken + (isCut ? 1 + Sign.Length : 0) <= width)
                break;
            for (int i = 0; i < _widths.Length; i++)
            {
                isCut |= _columns[i].Rank == rank && _widths[i] > 0;
                _widths[i] = _columns[i].Rank == rank ? 0 : _widths[i];
            }
        }
        return isCut;
    }

    /// <summary>Numbers stand to the right in their column, so one space keeps them apart.</summary>
    private int GapBefore(int column) => column == 0 ? 0 : _columns[column].IsNumber && _columns[column - 1].IsNumber ? 1 : 2;
}
