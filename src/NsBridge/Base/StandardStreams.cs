using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using NsBridge.Linux.Interop;

namespace NsBridge.Base;

/// <summary>Standard output and error as a program has to take them: full, closed, or with nobody who reads them any more.</summary>
internal static class StandardStreams
{
    private const int Output = 1;
    private const int Error = 2;
    private static readonly List<SafeFileHandle> s_fillings = [];
    private static bool s_hasOutput = true;
    private static bool s_hasError = true;

    /// <summary>
    /// Has the console write there, and puts /dev/null where the caller left a standard descriptor closed: the next descriptor that is opened
    /// would get its number, and with it what is meant for standard error.
    /// </summary>
    /// <remarks>First of all in the process; not before the runtime itself, though, which may have taken such a number: nothing is written there then.</remarks>
    public static void Take()
    {
        FillGaps();
        s_hasOutput = WasOpen(Output);
        s_hasError = WasOpen(Error);
        Console.SetOut(Writer(new StandardStream(s_hasOutput ? Output : -1, RefuseOutput)));
        Console.SetError(Writer(OpenError()));
    }

    /// <summary>Standard error, which never fails: nobody could be told, and a daemon goes on serving without it.</summary>
    public static Stream OpenError() => new StandardStream(s_hasError ? Error : -1, _ => { });

    /// <summary>Whether standard error takes something at this moment, or never will.</summary>
    public static bool IsErrorRead() => !s_hasError || Libc.Ready(Error, Libc.EPOLLOUT) != 0;

    private static void FillGaps()
    {
        try
        {
            while (true)
            {
                SafeFileHandle filling = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                if (filling.DangerousGetHandle() > Error)
                {
                    filling.Dispose();
                    return;
                }

                s_fillings.Add(filling);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A root without devices, or no descriptor left: what follows tells it better.
        }
    }

    private static void RefuseOutput(Errno error) => throw (error == Errno.EPIPE
        ? new OutputClosedException()
        : new UserErrorException($"nsbridge: cannot write to standard output: {(error == Errno.EBADF ? "it is closed" : error)}", ExitCode.Failed));

    private static StreamWriter Writer(Stream stream) => new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };

    /// <summary>A descriptor that came with the program cannot be one that is closed when a program is executed.</summary>
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
            // Without /proc nothing can be told; then it is as good as open.
            return true;
        }
    }
}
