using NsBridge.Benchmarks.Load;
using NsBridge.Testing;

namespace NsBridge.Benchmarks.Systems;

/// <summary>Two socats for each service, one outside and one inside, joined by a UNIX socket: the well-known trick.</summary>
internal sealed class SocatSystem(Arena arena) : RelaySystem("socat", arena)
{
    internal override string? Missing => Find("socat") is null ? "socat" : null;

    protected override Task LaunchAsync()
    {
        foreach ((Service service, int port) in Ports)
        {
            string joint = Arena.Scratch[$"socat-{service}"];
            Run(Arena.StartInside("socat", $"UNIX-LISTEN:{joint},fork,backlog=1024",
                $"TCP:127.0.0.1:{ServiceProcess.PortOf(service)},nodelay"));
            Run(BackgroundProcess.Start("socat",
                [$"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,nodelay,backlog=1024", $"UNIX-CONNECT:{joint}"]));
        }
        return Task.CompletedTask;
    }
}
