using System.Globalization;

namespace NsBridge.Base;

/// <summary>Whether this process may start the threads it needs (RLIMIT_NPROC, <c>pids.max</c>). The runtime ends the process with a trace
/// if one of its own cannot be started, so it is tried first.</summary>
internal static class ThreadBudget
{
    /// <summary>Of the runtime and the daemon, beside the event loops. Measured: with 12 in all a daemon with one loop runs.</summary>
    private const int Needed = 12;

    /// <summary>Enough for a wait; 12 threads cost half a millisecond.</summary>
    private const int StackBytes = 64 << 10;

    /// <param name="fault">What is missing and where it is raised; empty if nothing is.</param>
    public static bool Suffices(out string fault)
    {
        int needed = Needed + Environment.ProcessorCount / 2;
        using var end = new ManualResetEventSlim();
        var started = new List<Thread>(needed);
        try
        {
            while (started.Count < needed)
            {
                var thread = new Thread(end.Wait, StackBytes);
                thread.Start();
                started.Add(thread);
            }
            fault = "";
        }
        catch (OutOfMemoryException)
        {
            fault = string.Create(
                CultureInfo.InvariantCulture,
                $"nsbridge needs {needed} threads and may start {started.Count}: raise TasksMax= (pids.max) or LimitNPROC= (ulimit -u)");
        }
        finally
        {
            end.Set();
            started.ForEach(thread => thread.Join());
        }
        return fault.Length == 0;
    }
}
