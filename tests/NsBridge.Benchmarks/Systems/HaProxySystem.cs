using NsBridge.Benchmarks.Load;
using NsBridge.Testing;

namespace NsBridge.Benchmarks.Systems;

/// <summary>HAProxy, which enters the namespace by itself for each server connection.</summary>
internal sealed class HaProxySystem(Arena arena) : RelaySystem("haproxy", arena)
{
    internal override string? Missing => Find("haproxy") is null ? "haproxy" : null;

    protected override Task LaunchAsync()
    {
        IEnumerable<string> doors = Ports.Select(port => $"""
            listen {port.Key}
              bind 127.0.0.1:{port.Value}
              server target 127.0.0.1:{ServiceProcess.PortOf(port.Key)} namespace {Arena.Namespace}

            """);
        string file = Arena.Scratch.Write("haproxy.cfg", $"""
            global
              maxconn 4000
              nbthread {Environment.ProcessorCount}
            defaults
              mode tcp
              maxconn 4000
              option splice-auto
              timeout connect 5s
              timeout client 1h
              timeout server 1h

            {string.Join('\n', doors)}
            """);
        Run(BackgroundProcess.Start(Find("haproxy")!, ["-db", "-f", file]));
        return Task.CompletedTask;
    }
}
