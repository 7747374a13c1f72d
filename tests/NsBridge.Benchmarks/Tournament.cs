using NsBridge.Benchmarks.Load;
using NsBridge.Benchmarks.Report;
using NsBridge.Benchmarks.Systems;

namespace NsBridge.Benchmarks;

/// <summary>
/// Starts every system, then runs every workload against each of them in turn, round after round, so that a busy moment of the machine
/// meets all.
/// </summary>
internal sealed class Tournament(Arena arena, BenchmarkOptions options)
{
    private readonly List<RelaySystem> _systems = [];

    internal async Task<Results> RunAsync()
    {
        try
        {
            await StartAsync();
            var results = new Results([.. _systems.Select(system => system.Name)]);
            for (int round = 0; round < options.Rounds; round++)
            {
                foreach (Workload? workload in Workload.All.Where(Chosen))
                {
                    for (int i = 0; i < _systems.Count; i++)
                        Measure(results, round, workload, _systems[(round + i) % _systems.Count]);
                }
                Console.Error.WriteLine($"round {round + 1} of {options.Rounds} is done");
            }
            return results;
        }
        finally
        {
            _systems.ForEach(system => system.Dispose());
        }
    }

    private bool Chosen(Workload workload) => options.Workloads.Count == 0 || options.Workloads.Contains(workload.Name);

    private async Task StartAsync()
    {
        foreach (RelaySystem system in RelaySystem.All(arena))
        {
            if (options.Systems.Count > 0 && !options.Systems.Contains(system.Name))
                continue;
            if (system.Missing is { } missing)
            {
                Console.Error.WriteLine($"{system.Name} is left out: {missing} is not installed");
                continue;
            }
            _systems.Add(system);
            await system.StartAsync();
        }
    }

    private void Measure(Results results, int round, Workload workload, RelaySystem system)
    {
        Door door = system.DoorTo(workload.Service);
        double before = system.ProcessorSeconds();
        Measured measured = workload.Run(door, options.Seconds);
        results.Add(new Measurement(round, workload, system.Name, measured, system.ProcessorSeconds() - before));
    }
}
