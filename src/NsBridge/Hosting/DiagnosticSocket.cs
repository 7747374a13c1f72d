using System.Globalization;
using NsBridge.Linux;

namespace NsBridge.Hosting;

/// <summary>
/// What <c>dotnet-counters</c> connects to: the runtime makes it for every process before the program's first line, and a process that is killed leaves it behind.
/// Source: the runtime's design of its diagnostic inter-process communication.
/// </summary>
internal static class DiagnosticSocket
{
    /// <summary>Removes that of this process, so that a command that is killed leaves no file.</summary>
    public static void Remove()
    {
        int process = Environment.ProcessId;
        if (ProcessFiles.Start(process) is not { } start)
            return;
        try
        {
            File.Delete(Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"dotnet-diagnostic-{process}-{start}-socket")));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Then it stays.
        }
    }
}
