using System.Globalization;

namespace NsBridge.Linux;

/// <summary>Facts about a process from /proc. Each is null if the process has ended or is hidden from this user.</summary>
public static class ProcessFiles
{
    /// <summary>The paths of its control groups, one for each hierarchy; see cgroups(7).</summary>
    public static IReadOnlyList<string>? ControlGroups(int process) =>
        Read(process, "cgroup")?
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line[(line.IndexOf(':', line.IndexOf(':') + 1) + 1)..])
            .ToArray();

    /// <summary>Its parent's number, the second field behind its name in parentheses, which may hold anything; see
    /// proc_pid_stat(5).</summary>
    public static int? Parent(int process) => Read(process, "stat")?.Split(')')[^1].Split(' ') is [_, _, var parent, ..]
        ? int.Parse(parent, CultureInfo.InvariantCulture)
        : null;

    /// <summary>Its command line, the arguments separated by zeros.</summary>
    public static string? CommandLine(int process) => Read(process, "cmdline");

    /// <summary>Its network namespace as the kernel writes it, <c>net:[4026531840]</c>: unique among those that exist at the
    /// moment.</summary>
    public static string? NetworkNamespace(int process) => Try(() => new FileInfo(FileOf(process, "ns/net")).LinkTarget);

    private static string? Read(int process, string name) => Try(() => File.ReadAllText(FileOf(process, name)));

    private static string? Try(Func<string?> read)
    {
        try
        {
            return read();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string FileOf(int process, string name) => string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/{name}");
}
