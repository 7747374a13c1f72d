using NsBridge.Benchmarks.Load;
using NsBridge.Testing;

namespace NsBridge.Benchmarks.Systems;

/// <summary>systemd-socket-proxyd inside the namespace, with a listening socket of the host handed over; one for each service.</summary>
internal sealed class SocketProxydSystem(Arena arena) : RelaySystem("socket-proxyd", arena)
{
    private static readonly string[] s_places = ["/usr/lib/systemd/systemd-socket-proxyd", "/lib/systemd/systemd-socket-proxyd"];

    internal override string? Missing => Find(s_places) is null || Find("systemd-socket-activate") is null ? "systemd" : null;

    protected override Task LaunchAsync()
    {
        foreach ((Service service, int port) in Ports)
        {
            Run(BackgroundProcess.Start(
                "systemd-socket-activate",
                [
                    "-l", $"127.0.0.1:{port}",
                    "nsenter", $"--net={Arena.NamespaceFile}", Find(s_places)!, "--connections-max=4000",
                    $"127.0.0.1:{ServiceProcess.PortOf(service)}",
                ]));
        }
        return Task.CompletedTask;
    }
}
