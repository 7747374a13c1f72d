using System.Diagnostics;
using System.Globalization;
using NsBridge.Linux.Interop;

namespace NsBridge.Linux.Tests;

/// <summary>What a thread has taken of a processor, beside what the kernel says of it elsewhere.</summary>
internal sealed class ThreadUsageTests
{
    [Test]
    public void ThreadTime_OfAThread_IsWhatTheSchedulerCounts() => OwnThread.Run(() =>
    {
        long before = Libc.ThreadTime();
        Thread.Sleep(100);
        Assert.That(Libc.ThreadTime() - before, Is.LessThan(50_000_000), "asleep");
        Compute(TimeSpan.FromMilliseconds(100));
        long counted = long.Parse(File.ReadAllText("/proc/thread-self/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);
        // The scheduler's own count is brought up to date at its ticks.
        Assert.That(Libc.ThreadTime(), Is.InRange(counted, counted + 20_000_000));
        return 0;
    });

    [Test]
    public void Preemptions_OfAThreadThatOthersPushAside_AreWhatTheKernelCounts()
    {
        using var over = new CancellationTokenSource();
        var others = Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => new Thread(() =>
        {
            while (!over.IsCancellationRequested)
                Compute(TimeSpan.FromMilliseconds(1));
        })).ToList();
        others.ForEach(other => other.Start());
        try
        {
            OwnThread.Run(() =>
            {
                var clock = Stopwatch.StartNew();
                while (Libc.Preemptions() < 3 && clock.Elapsed < TimeSpan.FromSeconds(20))
                    Compute(TimeSpan.FromMilliseconds(1));
                long before, counted;
                do
                {
                    before = Libc.Preemptions();
                    counted = long.Parse(
                        File.ReadLines("/proc/thread-self/status").First(line => line.StartsWith("nonvoluntary_ctxt_switches:", StringComparison.Ordinal)).Split('\t')[1],
                        CultureInfo.InvariantCulture);
                }
                while (Libc.Preemptions() != before);
                Assert.That((before, before >= 3), Is.EqualTo((counted, true)));
                return 0;
            });
        }
        finally
        {
            over.Cancel();
            others.ForEach(other => other.Join());
        }
    }

    private static void Compute(TimeSpan duration)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < duration)
        {
        }
    }
}
