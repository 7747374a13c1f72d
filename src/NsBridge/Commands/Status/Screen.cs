using System.Text;
using NsBridge.Base;

namespace NsBridge.Commands.Status;

/// <summary>Shows lines again and again: in place if standard output is a terminal, else one block after the other. At the end the
/// terminal's own content comes back, with the last lines below it.</summary>
internal sealed class Screen : IDisposable
{
    // The second screen, without the cursor, as every full-screen program has it (xterm's control sequences).
    private const string Enter = "\e[?1049h\e[?25l";
    private const string Leave = "\e[?25h\e[?1049l" + NormalKeys;

    // The framework switches the cursor keys to their application codes when it first uses a terminal, and never back.
    private const string NormalKeys = "\e[?1l\e>";

    // Of a terminal that does not report its size, such as a serial line: what most of them had.
    private const int UsualWidth = 80;
    private const int UsualHeight = 24;

    private readonly bool _inPlace = !Console.IsOutputRedirected;
    private readonly TaskCompletionSource _quit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Func<int, IReadOnlyList<string>>? _last;

    public Screen()
    {
        if (!_inPlace)
            return;
        // The framework switches the terminal's keys when it is first asked something: before the first frame, not within it.
        _ = Console.WindowWidth;
        StandardStreams.Terminal.Write(Enter);
        if (!Console.IsInputRedirected)
            new Thread(ReadKeys) { IsBackground = true, Name = "keys" }.Start();
    }

    /// <summary>Whether colours are wanted: a terminal, and no variable that turns them off (no-color.org).</summary>
    public static bool HasColours => !Console.IsOutputRedirected
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");

    /// <summary>The terminal's width in characters; without a terminal there is no limit.</summary>
    public static int Width =>
        Console.IsOutputRedirected ? int.MaxValue : Console.WindowWidth is > 0 and var columns ? columns : UsualWidth;

    /// <param name="lines">Makes the lines for a width in characters.</param>
    public void Show(Func<int, IReadOnlyList<string>> lines)
    {
        if (!_inPlace)
        {
            if (_last is not null)
                StandardStreams.Terminal.WriteLine();
            StandardStreams.Terminal.WriteLine(string.Join(Environment.NewLine, lines(int.MaxValue)));
        }
        else
        {
            Draw(lines(Width));
        }
        _last = lines;
    }

    /// <summary>Waits for a time, or until <c>q</c> is pressed.</summary>
    /// <returns>Whether it was.</returns>
    public async Task<bool> IsQuitAsync(TimeSpan time, CancellationToken stop)
    {
        await await Task.WhenAny(_quit.Task, Task.Delay(time, stop));
        return _quit.Task.IsCompleted;
    }

    public void Dispose()
    {
        if (!_inPlace)
            return;
        StandardStreams.Terminal.Write(Leave);
        if (_last is not null)
            StandardStreams.Terminal.WriteLine(string.Join(Environment.NewLine, _last(int.MaxValue)));
    }

    /// <summary>Reads without end, so that the terminal shows no key meanwhile.</summary>
    private void ReadKeys()
    {
        try
        {
            while (Console.ReadKey(intercept: true).KeyChar is not ('q' or 'Q'))
            {
            }
            _quit.TrySetResult();
        }
        catch (Exception exception) when (exception is InvalidOperationException or IOException)
        {
            // The terminal gives no keys any more.
        }
    }

    private static void Draw(IReadOnlyList<string> lines)
    {
        int width = Width;
        int height = Console.WindowHeight is > 0 and var rows ? rows : UsualHeight;
        var frame = new StringBuilder("\e[H");
        int shown = Math.Min(lines.Count, height);
        for (int i = 0; i < shown; i++)
        {
            bool isLast = i == shown - 1;
            // What stood here goes before the new text comes: behind a line as wide as the terminal the cursor stays on its last character,
            // which would go too. The last line erases all below it, and gets no line feed, which would scroll.
            frame.Append(isLast ? "\e[J" : "\e[K");
            bool isMore = isLast && height > 1 && lines.Count > height;
            AppendCut(frame, isMore ? $"… and {lines.Count - height + 1} more lines" : lines[i], width);
            frame.Append("\e[0m").Append(isLast ? "" : "\r\n");
        }
        StandardStreams.Terminal.Write(frame.ToString());
    }

    /// <summary>Appends what fits in the width, with a sign if something is cut; colours take no room.</summary>
    private static void AppendCut(StringBuilder frame, string line, int width)
    {
        int left = line.Length;
        for (int i = line.IndexOf('\e', StringComparison.Ordinal); i >= 0; i = line.IndexOf('\e', i + 1))
            left -= line.IndexOf('m', i) - i + 1;
        bool isCut = left > width;
        int column = 0;
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '\e')
            {
                int end = line.IndexOf('m', i);
                frame.Append(line, i, end - i + 1);
                i = end;
            }
            else if (column++ < (isCut ? width - 1 : width))
            {
                frame.Append(line[i]);
            }
            else if (column == width)
            {
                frame.Append('…');
            }
        }
    }
}
