using System.Text;
using NsBridge.Base;

namespace NsBridge.Logging;

/// <summary>
/// Whole lines on standard error, so that lines of several threads never mix. Writers are event loops too, so one that nobody reads (a stopped terminal, a
/// full pipe) must not stop them: it is waited for <see cref="s_patience"/> at most, and while it stays so lines are counted instead of waited for.
/// </summary>
internal sealed class PlainLines
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(5);

    /// <summary>What a pipe takes without waiting once it says that it takes something (PIPE_BUF).</summary>
    private const int Piece = 4096;

    private readonly Lock _lock = new();
    private readonly Stream _stream;
    private readonly Func<bool> _isRead;
    private int _lost;

    /// <param name="stream">Takes the lines.</param>
    /// <param name="isRead">Whether it takes something at this moment.</param>
    public PlainLines(Stream stream, Func<bool> isRead)
    {
        _stream = stream;
        _isRead = isRead;
    }

    /// <summary>Standard error as a bare stream: <c>Console.Error</c> would add a writer with a buffer and a lock of its own.</summary>
    public static PlainLines OfStandardError() => new(StandardStreams.OpenError(), StandardStreams.IsErrorRead);

    /// <param name="prefix">Goes in front as it is.</param>
    /// <param name="message">Further lines of it are indented: what starts at column one is always a new fact.</param>
    public void Write(string prefix, string message)
    {
        lock (_lock)
        {
            if (_lost > 0 && !TryWrite(prefix, $"{_lost} messages were lost while nobody read standard error"))
            {
                _lost++;
                return;
            }
            _lost = TryWrite(prefix, message) ? 0 : 1;
        }
    }

    private bool TryWrite(string prefix, string message)
    {
        ReadOnlySpan<byte> rest = Encoding.UTF8.GetBytes(prefix + message.TrimEnd().ReplaceLineEndings("\n    ") + "\n");
        try
        {
            for (; rest.Length > 0; rest = rest[Math.Min(Piece, rest.Length)..])
            {
                if (!IsRead())
                    return false;
                _stream.Write(rest[..Math.Min(Piece, rest.Length)]);
            }
        }
        catch (IOException)
        {
            // Nobody reads standard error any more (a full disk, a closed terminal): a daemon goes on serving without it.
        }
        return true;
    }

    private bool IsRead()
    {
        for (TimeSpan waited = TimeSpan.Zero; !_isRead(); waited += s_pause)
        {
            if (_lost > 0 || waited >= s_patience)
                return false;
            Thread.Sleep(s_pause);
        }
        return true;
    }
}
