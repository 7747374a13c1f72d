using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using NsBridge.Linux.Interop;

namespace NsBridge.Base;

/// <summary>Standard output and error, also if they are full or closed. The console's text passes <see cref="PlainText"/>.</summary>
internal static class StandardStreams
{
    private const int Output = 1;
    private const int Error = 2;
    private static readonly List<SafeFileHandle> s_fillers = [];
    private static int s_output = Output;
    private static int s_error = Error;
    private static TextWriter? s_terminal;

    /// <summary>Standard output for escape sequences. Text from elsewhere has to pass <see cref="PlainText.Line"/> before.</summary>
    public static TextWriter Terminal => s_terminal ?? Console.Out;

    /// <summary>Takes over the console, and opens /dev/null for each standard descriptor that the caller left closed: the next descriptor
    /// opened would get its number, and what is meant for standard error. Runs first; a number that the runtime has taken before counts as
    /// closed.</summary>
    public static void Take()
    {
        FillGaps();
        s_output = WasOpen(Output) ? Output : -1;
        s_error = WasOpen(Error) ? Error : -1;
        s_terminal = TextWriter.Synchronized(Writer(new StandardStream(s_output, RefuseOutput)));
        Console.SetOut(Writer(new StandardStream(s_output, RefuseOutput) { IsPlain = true }));
        Console.SetError(Writer(new StandardStream(s_error, _ => { }) { IsPlain = true }));
    }

    /// <summary>Standard error as bytes. It never fails: the daemon serves without it.</summary>
    public static Stream OpenError() => new StandardStream(s_error, _ => { });

    /// <summary>Whether a write to standard error returns at once.</summary>
    public static bool IsErrorReady() => s_error < 0 || Libc.Ready(Error, Libc.EPOLLOUT) != 0;

    private static void FillGaps()
    {
        try
        {
            while (true)
            {
                SafeFileHandle filler = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                if (filler.DangerousGetHandle() > Error)
                {
                    filler.Dispose();
                    return;
                }
                s_fillers.Add(filler);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A root without /dev, or no descriptor left: what follows fails with a better message.
        }
    }

    private static void RefuseOutput(Errno error)
    {
        if (error == Errno.EPIPE)
            throw new OutputClosedException();
        string why = error == Errno.EBADF ? "it is closed" : $"{error}";
        throw new UserErrorException($"nsbridge: cannot write to standard output: {why}", ExitCode.Failed);
    }

    private static StreamWriter Writer(Stream stream) => new(stream, new UTF8Encoding(false)) { AutoFlush = true };

    /// <summary>A descriptor with O_CLOEXEC cannot have come with the program. Without /proc each descriptor counts as open.</summary>
    private static bool WasOpen(int descriptor)
    {
        const int closeOnExec = 0x80000;
        try
        {
            string? flags = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fdinfo/{descriptor}"))
                .FirstOrDefault(line => line.StartsWith("flags:", StringComparison.Ordinal));
            return flags is null || (Convert.ToInt64(flags["flags:".Length..].Trim(), 8) & closeOnExec) == 0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}

/// <summary>The reader of standard output has closed it, as <c>head</c> does. This is no fault: the program ends.</summary>
internal sealed class OutputClosedException() : Exception("The reader of standard output has closed it.");

/// <summary>Writes to a standard descriptor. The framework's own stream ignores EPIPE, so that <c>status --watch | head</c> would never
/// end.</summary>
/// <param name="descriptor">Negative: each write fails with EBADF.</param>
/// <param name="refuse">Takes the error of a write; the writer gets the exception that it throws.</param>
internal sealed class StandardStream(int descriptor, Action<Errno> refuse) : Stream
{
    /// <summary>A terminal or pipe that another process made non-blocking is full for a moment only.</summary>
    private static readonly TimeSpan s_fullPause = TimeSpan.FromMilliseconds(5);

    /// <summary>Whether what is written, whole UTF-8 characters, passes <see cref="PlainText"/>.</summary>
    public bool IsPlain { get; init; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (IsPlain)
            buffer = Encoding.UTF8.GetBytes(PlainText.Lines(Encoding.UTF8.GetString(buffer)));
        while (buffer.Length > 0)
        {
            nint written = descriptor < 0 ? -(nint)(int)Errno.EBADF : Libc.Write(descriptor, buffer);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
            }
            else if (written == -(nint)(int)Errno.EAGAIN)
            {
                Thread.Sleep(s_fullPause);
            }
            else
            {
                refuse(Libc.ErrorOf(written));
                return;
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
