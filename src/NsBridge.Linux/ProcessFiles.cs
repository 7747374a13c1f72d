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

    /// <summary>Its parent's number; see proc_pid_stat(5).</summary>
    public static int? Parent(int process) =>
        Status(process) is [_, _, var parent, ..] ? int.Parse(parent, CultureInfo.InvariantCulture) : null;

    /// <summary>Its command line, the arguments separated by zeros.</summary>
    public static string? CommandLine(int process) => Read(process, "cmdline");

    /// <summary>Its network namespace as the kernel writes it, <c>net:[4026531840]</c>: unique among those that exist at the
    /// moment.</summary>
    public static string? NetworkNamespace(int process)
    {
        try
        {
            return new FileInfo(FileOf(process, "ns/net")).LinkTarget;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The fields behind its name, the first of them empty: its state, its parent and so on. The name is in parentheses and may
    /// hold anything.</summary>
    private static string[]? Status(int process) => Read(process, "stat")?.Split(')')[^1].Split(' ');

    private static string? Read(int process, string name)
    {
        try
        {
            return File.ReadAllText(FileOf(process, name));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string FileOf(int process, string name) => string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/{name}");
}
