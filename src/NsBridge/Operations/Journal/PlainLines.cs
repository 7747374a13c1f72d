using System.Text;
using NsBridge.CommandLine;

namespace NsBridge.Operations.Journal;

/// <summary>Whole lines on standard error, one write each, so that lines of several threads never mix.</summary>
internal sealed class PlainLines
{
    private readonly Lock _lock = new();
    private readonly Stream _stream;

    public PlainLines(Stream stream) => _stream = stream;

    /// <summary>Standard error as a bare stream: <c>Console.Error</c> would add a writer with a buffer and a lock of its own.</summary>
    public static PlainLines OfStandardError() => new(StandardStreams.OpenError());

    /// <param name="prefix">Goes in front as it is.</param>
    /// <param name="message">Further lines of it are indented: what starts at column one is always a new fact.</param>
    public void Write(string prefix, string message)
    {
        var line = Encoding.UTF8.GetBytes(prefix + message.TrimEnd().ReplaceLineEndings("\n    ") + "\n");
        try
        {
            lock (_lock)
                _stream.Write(line);
        }
        catch (IOException)
        {
            // Nobody reads standard error any more (a full disk, a closed terminal): a daemon goes on serving without it.
        }
    }
}
