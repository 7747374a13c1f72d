using System.Globalization;

namespace NsBridge.Benchmarks.Systems;

/// <summary>Processes with all that descend from them.</summary>
internal static class ProcessTree
{
    // USER_HZ: fixed in the kernel's interface.
    private const double TicksPerSecond = 100;

    /// <summary>
    /// User and kernel time of the processes and their descendants, and of descendants that have ended and were waited for.
    /// </summary>
    internal static double ProcessorSeconds(IEnumerable<int> roots)
    {
        var all = Directory.EnumerateDirectories("/proc").Select(folder => Path.GetFileName(folder))
            .Where(name => char.IsAsciiDigit(name[0]))
            .Select(name => Read(int.Parse(name, CultureInfo.InvariantCulture))).OfType<(int Id, int Parent, long Ticks)>().ToList();
        var wanted = roots.ToHashSet();
        while (all.Where(process => wanted.Contains(process.Parent)).Select(process => wanted.Add(process.Id)).ToList().Contains(true))
        {
        }
        return all.Where(process => wanted.Contains(process.Id)).Sum(process => process.Ticks) / TicksPerSecond;
    }

    private static (int Id, int Parent, long Ticks)? Read(int process)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{process}/stat");
            // Counted from the end of the name, which may hold anything: state, ppid, … utime, stime, cutime, cstime.
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (process, int.Parse(fields[1], CultureInfo.InvariantCulture), fields[11..15]
                .Sum(field => long.Parse(field, CultureInfo.InvariantCulture)));
        }
        catch (IOException)
        {
            return null;
        }
    }
}
