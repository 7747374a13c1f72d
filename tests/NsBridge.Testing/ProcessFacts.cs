using System.Globalization;

namespace NsBridge.Testing;

/// <summary>Facts about a running process, from /proc.</summary>
public static class ProcessFacts
{
    private static readonly double s_ticksPerSecond = 100; // USER_HZ, fixed in the kernel's interface (sysconf(_SC_CLK_TCK)).

    /// <summary>Its open descriptors with what each refers to; those that close meanwhile are left out.</summary>
    public static IReadOnlyList<string> Descriptors(int process)
    {
        var found = new List<string>();
        foreach (string descriptor in Directory.EnumerateFileSystemEntries($"/proc/{process}/fd"))
        {
            if (ReadLink(descriptor) is { } target)
                found.Add(target);
        }
        return found;
    }

    /// <summary>This process's network namespace, as <c>net:[inode]</c>.</summary>
    public static string HomeNamespace { get; } = ReadLink($"/proc/{Environment.ProcessId}/ns/net")
        ?? throw new InvalidOperationException("/proc is not mounted.");

    /// <summary>The network namespaces that its threads are in, as <c>net:[inode]</c>.</summary>
    public static IReadOnlySet<string> ThreadNamespaces(int process) =>
        Directory.EnumerateDirectories($"/proc/{process}/task")
            .Select(thread => ReadLink($"{thread}/ns/net"))
            .OfType<string>()
            .ToHashSet();

    /// <summary>Its threads' names by their numbers; those that end meanwhile are left out.</summary>
    public static IReadOnlyDictionary<string, string> ThreadNames(int process)
    {
        var names = new Dictionary<string, string>();
        foreach (string thread in Directory.EnumerateDirectories($"/proc/{process}/task"))
        {
            try
            {
                names[Path.GetFileName(thread)] = File.ReadAllText($"{thread}/comm").TrimEnd();
            }
            catch (IOException)
            {
                // It has ended.
            }
        }
        return names;
    }

    public static int Threads(int process) => Directory.GetDirectories($"/proc/{process}/task").Length;

    /// <summary>Resident memory in bytes (<c>VmRSS</c>).</summary>
    public static long ResidentBytes(int process) => StatusBytes(process, "VmRSS:");

    /// <summary>Address space in bytes (<c>VmSize</c>): what RLIMIT_AS limits.</summary>
    public static long AddressSpaceBytes(int process) => StatusBytes(process, "VmSize:");

    private static long StatusBytes(int process, string name)
    {
        string line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>Processor time used so far, in user and kernel mode, by all threads.</summary>
    public static TimeSpan ProcessorTime(int process)
    {
        string stat = File.ReadAllText($"/proc/{process}/stat");
        // The command's name, in brackets, may itself hold spaces and brackets: count from its end. Fields 14 and 15 are utime and stime.
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        long ticks = long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        return TimeSpan.FromSeconds(ticks / s_ticksPerSecond);
    }

    /// <summary>For each thread its name and the system call that it is in, for failure messages.</summary>
    public static string Waits(int process) => string.Join('\n', Directory.EnumerateDirectories($"/proc/{process}/task")
        .Select(thread => $"{File.ReadAllText($"{thread}/comm").Trim()}: {File.ReadAllText($"{thread}/syscall").Trim()}"));

    private static string? ReadLink(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
