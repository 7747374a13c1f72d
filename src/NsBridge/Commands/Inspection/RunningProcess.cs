using System.Globalization;
using NsBridge.Base;

namespace NsBridge.Commands.Inspection;

/// <summary>A process, as an operator knows it.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="Name">Its command's name, at most 15 characters (<c>/proc/PID/comm</c>).</param>
/// <param name="Unit">The systemd service it belongs to, such as <c>vpn.service</c>; null for none.</param>
/// <param name="Container">The id of the Docker or Podman container it runs in; null for none.</param>
internal sealed record RunningProcess(int Pid, string Name, string? Unit, string? Container)
{
    private const int IdLength = 64;

    /// <summary>The numbers of all processes, ascending.</summary>
    public static IEnumerable<int> All() => Directory.EnumerateDirectories("/proc")
        .Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) ? pid : 0)
        .Where(pid => pid > 0)
        .Order();

    /// <summary>Reads <c>/proc/PID</c>; null if the process has ended.</summary>
    public static RunningProcess? TryRead(int pid)
    {
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}");
        try
        {
            string name = File.ReadAllText($"{folder}/comm").TrimEnd('\n');
            (string? unit, string? container) = OwnerOf(File.ReadAllText($"{folder}/cgroup"));
            return new RunningProcess(pid, PlainText.Line(name), unit, container);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads the path of a control group: <c>0::/system.slice/vpn.service</c>, <c>…/libpod-ID.scope/container</c>.</summary>
    internal static (string? Unit, string? Container) OwnerOf(string cgroup)
    {
        string? unit = null, container = null;
        foreach (string line in cgroup.Split('\n'))
        {
            foreach (string part in line[(line.LastIndexOf(':') + 1)..].Split('/'))
            {
                if (part.EndsWith(".service", StringComparison.Ordinal) && !part.StartsWith("user@", StringComparison.Ordinal))
                    unit ??= part;
                container ??= ContainerOf(part);
            }
        }
        return (unit, container);
    }

    /// <summary><c>nginx (pid 812, unit web.service)</c>.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name} (pid {Pid}{(Unit is null ? "" : $", unit {Unit}")}{(Container is null ? "" : $", container {Container[..12]}")})");

    private static string? ContainerOf(string part)
    {
        string id = part.EndsWith(".scope", StringComparison.Ordinal) ? part[..^".scope".Length] : part;
        id = id[(id.LastIndexOf('-') + 1)..];
        return id.Length == IdLength && id.All(char.IsAsciiHexDigitLower) ? id : null;
    }
}
