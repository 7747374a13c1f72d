using System.Runtime.InteropServices;
using NsBridge.Testing;

namespace NsBridge.Benchmarks.Report;

/// <summary>On what the figures were taken, and of which versions.</summary>
internal static class MachineFacts
{
    /// <summary>One fact a line.</summary>
    internal static async Task<IReadOnlyList<string>> CollectAsync(IReadOnlyList<string> systems)
    {
        string processor = Field("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString();
        var facts = new List<string>
        {
            $"{Environment.ProcessorCount} processors: {processor}; "
                + $"{Field("/proc/meminfo", "MemTotal")} of memory",
            $"Linux {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}, {RuntimeInformation.RuntimeIdentifier}; "
                + $"load and services on {RuntimeInformation.FrameworkDescription}",
        };
        var versions = new Dictionary<string, string[]>
        {
            ["nsbridge"] = [await PublishedDaemon.PathAsync(), "--version"],
            ["haproxy"] = ["haproxy", "-v"],
            ["socket-proxyd"] = ["systemd-socket-activate", "--version"],
            ["socat"] = ["socat", "-V"],
        };
        foreach (string? system in systems.Where(versions.ContainsKey))
        {
            CommandResult said = await Command.RunAsync(versions[system][0], versions[system][1..]);
            facts.Add($"{system}: {said.Output.Split('\n').First(line => line.Any(char.IsAsciiDigit)).Trim()}");
        }
        return facts;
    }

    private static string? Field(string file, string name) =>
        File.ReadLines(file).Where(line => line.StartsWith(name, StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf(':') + 1)..].Trim()).FirstOrDefault();
}
