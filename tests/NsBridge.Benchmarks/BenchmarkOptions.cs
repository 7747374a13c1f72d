using System.Globalization;

namespace NsBridge.Benchmarks;

/// <summary>What the command line asks for.</summary>
/// <param name="Rounds">How often every workload is run against every system.</param>
/// <param name="Seconds">How long each of these runs is measured.</param>
/// <param name="Workloads">Names of workloads; empty for all.</param>
/// <param name="Systems">Names of systems; empty for all that are installed.</param>
/// <param name="Output">The folder of the report; no report if null.</param>
internal sealed record BenchmarkOptions(
    int Rounds, double Seconds, IReadOnlyList<string> Workloads, IReadOnlyList<string> Systems, string? Output)
{
    internal const string Usage = """
        usage: dotnet run --project tests/NsBridge.Benchmarks -c Release -- [options]   (as root)
          --rounds N       interleaved rounds, 5 unless told
          --seconds S      seconds of each measurement, 2 unless told
          --only A,B       these workloads: bulk1-up bulk1-down bulk8-up bulk8-down ping1 ping64 ping64-16k connect
          --systems A,B    these systems: nsbridge haproxy socket-proxyd socat direct
          --output DIR     writes benchmark.md and benchmark.svg there, docs unless told
          --no-output      writes neither
        """;

    /// <summary>Null if the command line is wrong.</summary>
    internal static BenchmarkOptions? Parse(string[] args)
    {
        var options = new BenchmarkOptions(5, 2, [], [], Path.Combine(Testing.Repository.Root, "docs"));
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--no-output")
            {
                options = options with { Output = null };
                continue;
            }
            if (i + 1 == args.Length)
                return null;
            string value = args[i + 1];
            switch (args[i++])
            {
                case "--rounds" when int.TryParse(value, out int rounds) && rounds > 0:
                    options = options with { Rounds = rounds };
                    break;
                case "--seconds" when double.TryParse(value, CultureInfo.InvariantCulture, out double seconds) && seconds > 0:
                    options = options with { Seconds = seconds };
                    break;
                case "--only" when value.Split(',').All(name => Load.Workload.All.Any(workload => workload.Name == name)):
                    options = options with { Workloads = value.Split(',') };
                    break;
                case "--systems":
                    options = options with { Systems = value.Split(',') };
                    break;
                case "--output":
                    options = options with { Output = value };
                    break;
                default:
                    return null;
            }
        }
        return options;
    }
}
