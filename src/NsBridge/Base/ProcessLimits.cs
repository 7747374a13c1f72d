using System.Globalization;
using NsBridge.Linux.Interop;

namespace NsBridge.Base;

/// <summary>Whether this process may start the threads (RLIMIT_NPROC, <c>pids.max</c>) and open the files that it needs. The runtime ends
/// the process with a trace if one of its own threads cannot be started, so they are tried first.</summary>
internal static class ProcessLimits
{
    /// <summary>Of the runtime and the daemon, beside the event loops. Measured: with 12 in all a daemon with one loop runs.</summary>
    private const int NeededThreads = 12;

    /// <summary>Measured: a daemon with one bridge and two loops has 17 open files.</summary>
    private const int NeededFiles = 32;

    /// <param name="fault">What is missing and where it is raised; empty if nothing is.</param>
    public static bool Suffice(out string fault)
    {
        int needed = NeededThreads + Environment.ProcessorCount / 2, started = Started(needed), files = Libc.DescriptorLimit();
        fault = started < needed
            ? string.Create(CultureInfo.InvariantCulture, $"nsbridge needs {needed} threads and may start {started}: ")
                + "raise TasksMax= (pids.max), LimitNPROC= (ulimit -u) or LimitAS= (ulimit -v)"
            : files < NeededFiles
            ? string.Create(CultureInfo.InvariantCulture, $"nsbridge needs {NeededFiles} open files and may have {files}: ")
                + "raise LimitNOFILE= (ulimit -n)"
            : "";
        return fault.Length == 0;
    }

    // With stacks of the runtime's size, whose address space may be limited too.
    private static int Started(int needed)
    {
        using var end = new ManualResetEventSlim();
        var started = new List<Thread>(needed);
        try
        {
            while (started.Count < needed)
            {
                var thread = new Thread(end.Wait);
                thread.Start();
                started.Add(thread);
            }
        }
        catch (OutOfMemoryException)
        {
            // The number says it.
        }
        finally
        {
            end.Set();
            started.ForEach(thread => thread.Join());
        }
        return started.Count;
    }
}
