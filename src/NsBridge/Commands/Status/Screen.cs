using System.Text;
using NsBridge.Base;

namespace NsBridge.Commands.Status;

/// <summary>
/// Shows lines again and again: in place where standard output is a terminal, else one block after the other. The terminal's
/// own content comes back when this is disposed, with the last lines shown below it.
/// </summary>
internal sealed class Screen : IDisposable
{
    // The second screen, without the cursor, as every full-screen program has it (xterm's control sequences).
    private const string Enter = "\e[?1049h\e[?25l";
    private const string Leave = "\e[?25h\e[?1049l" + NormalKeys;

    // The framework switches the cursor keys to their application codes when it first uses a terminal, and never back.
    private const string NormalKeys = "\e[?1l\e>";

    // Of a terminal that does not tell its size, as on a serial line: what most of them had.
    private const int UsualWidth = 80;
    private const int UsualHeight = 24;
    private readonly bool _inPlace = !Console.IsOutputRedirected;
    private IReadOnlyList<string> _last = [];

    public Screen()
    {
        if (!_inPlace)
            return;
        // The framework switches the terminal's keys when it is first asked something: before the first frame, not within it.
        _ = Console.WindowWidth;
        StandardStreams.Terminal.Write(Enter);
    }

    /// <summary>Whether colours are wanted: a terminal, and nobody who says no (no-color.org).</summary>
    public static bool HasColours => !Console.IsOutputRedirected
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");

    public void Show(IReadOnlyList<string> lines)
    {
        if (!_inPlace)
        {
            if (_last.Count > 0)
                StandardStreams.Terminal.WriteLine();
            StandardStreams.Terminal.WriteLine(string.Join(Environment.NewLine, lines));
            _last = lines;
            return;
        }

        _last = lines;
        int width = Console.WindowWidth is > 0 and var columns ? columns : UsualWidth;
        int height = Console.WindowHeight is > 0 and var rows ? rows : UsualHeight;
        var frame = new StringBuilder("\e[H");
        int shown = Math.Min(lines.Count, height);
        for (int i = 0; i < shown; i++)
        {
            bool last = i == shown - 1;
            // What stood here goes before the new text comes: behind a line as wide as the terminal the cursor stays on its last character,
            // which would go too. The last line takes all below it along, and gets no line feed, which would scroll.
            frame.Append(last ? "\e[J" : "\e[K");
            AppendCut(frame, last && height > 1 && lines.Count > height ? $"… and {lines.Count - height + 1} more lines" : lines[i], width);
            frame.Append("\e[0m").Append(last ? "" : "\r\n");
        }

        StandardStreams.Terminal.Write(frame.ToString());
    }

    public void Dispose()
    {
        if (!_inPlace)
            return;
        StandardStreams.Terminal.Write(Leave);
        StandardStreams.Terminal.WriteLine(string.Join(Environment.NewLine, _last));
    }

    /// <summary>Appends what fits in the width; colours take no room.</summary>
    private static void AppendCut(StringBuilder frame, string line, int width)
    {
        int column = 0;
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '\e')
            {
                int end = line.IndexOf('m', i);
                frame.Append(line, i, end - i + 1);
                i = end;
            }
            else if (column++ < width)
            {
                frame.Append(line[i]);
            }
        }
    }
}
