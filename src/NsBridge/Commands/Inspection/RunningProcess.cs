using System.Globalization;
using NsBridge.Base;

namespace NsBridge.Commands.Inspection;

/// <summary>A process, as an operator knows it.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="Name">Its command's name, at most 15 characters (<c>/proc/PID/comm</c>).</param>
/// <param name="Unit">The systemd service it belongs to, such as <c>vpn.service</c>; null for none.</param>
/// <param name="Container">The id of the Docker or Podman container it runs in; null for none.</param>
/// <param name="Machine">The machine of systemd-machined it runs in; null for none. Its own units and containers are not named.</param>
internal sealed record RunningProcess(int Pid, string Name, string? Unit, string? Container, string? Machine)
{
    private const int IdLength = 64;
    private const string MachinePrefix = "machine-", NspawnPrefix = "systemd-nspawn@", Scope = ".scope", Service = ".service";

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
            (string? unit, string? container, string? machine) = OwnerOf(File.ReadAllText($"{folder}/cgroup"));
            return new RunningProcess(pid, PlainText.Line(name), unit, container, machine);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads the path of a control group: <c>0::/system.slice/vpn.service</c>, <c>…/libpod-ID.scope/container</c>,
    /// <c>…/machine-web.scope/payload/system.slice/ssh.service</c>.</summary>
    internal static (string? Unit, string? Container, string? Machine) OwnerOf(string cgroup)
    {
        string? unit = null, container = null, machine = null;
        foreach (string line in cgroup.Split('\n'))
        {
            foreach (string part in line[(line.LastIndexOf(':') + 1)..].Split('/'))
            {
                if ((machine ??= MachineOf(part)) is not null)
                    break;
                if (part.EndsWith(Service, StringComparison.Ordinal) && !part.StartsWith("user@", StringComparison.Ordinal))
                    unit ??= part;
                container ??= ContainerOf(part);
            }
        }
        return (unit, container, machine);
    }

    /// <summary><c>nginx (pid 812, unit web.service)</c>.</summary>
    public override string ToString()
    {
        string owner = $"{(Unit is null ? "" : $", unit {Unit}")}{(Container is null ? "" : $", container {Container[..12]}")}"
            + (Machine is null ? "" : $", machine {Machine}");
        return string.Create(CultureInfo.InvariantCulture, $"{Name} (pid {Pid}{owner})");
    }

    /// <summary>The scope that systemd-machined makes, or the service that <c>machinectl start</c> starts. The scope's name escapes a
    /// hyphen.</summary>
    private static string? MachineOf(string part) =>
        part.StartsWith(MachinePrefix, StringComparison.Ordinal) && part.EndsWith(Scope, StringComparison.Ordinal)
            ? part[MachinePrefix.Length..^Scope.Length].Replace(@"\x2d", "-", StringComparison.Ordinal)
        : part.StartsWith(NspawnPrefix, StringComparison.Ordinal) && part.EndsWith(Service, StringComparison.Ordinal)
            ? part[NspawnPrefix.Length..^Service.Length]
        : null;

    private static string? ContainerOf(string part)
    {
        string id = part.EndsWith(Scope, StringComparison.Ordinal) ? part[..^Scope.Length] : part;
        id = id[(id.LastIndexOf('-') + 1)..];
        return id.Length == IdLength && id.All(char.IsAsciiHexDigitLower) ? id : null;
    }
}
