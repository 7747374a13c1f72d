using NsBridge.Benchmarks.Load;
using NsBridge.Testing;

namespace NsBridge.Benchmarks.Systems;

/// <summary>The published daemon with a default configuration: a bridge for each service.</summary>
internal sealed class NsBridgeSystem(Arena arena) : RelaySystem("nsbridge", arena)
{
    protected override async Task LaunchAsync()
    {
        string executable = await PublishedDaemon.PathAsync();
        IEnumerable<BridgeEntry> bridges = Ports.Select(port => new BridgeEntry(port.Key.ToString().ToLowerInvariant())
        {
            Listen = $"127.0.0.1:{port.Value}",
            Namespace = Arena.Namespace,
            Target = $"127.0.0.1:{ServiceProcess.PortOf(port.Key)}",
        });
        var settings = new DaemonConfig([.. bridges]) { RuntimeDirectory = Directory.CreateDirectory(Arena.Scratch["run"]).FullName };
        Run(BackgroundProcess.Start(executable, ["run", "--config", Arena.Scratch.Write("nsbridge.json", settings.ToJson())]));
    }
}
