using NsBridge.Benchmarks.Systems;

namespace NsBridge.Benchmarks.Load;

/// <summary>A kind of traffic.</summary>
/// <param name="Name">For tables and the command line.</param>
/// <param name="Title">For the picture.</param>
/// <param name="Service">What has to be at the other end.</param>
/// <param name="Unit">Of the rate as it is shown.</param>
/// <param name="Scale">Divides the rate for showing.</param>
/// <param name="CostUnit">Of the processor time as it is shown.</param>
/// <param name="CostScale">How many of the counted things that is for.</param>
/// <param name="Run">Runs it for so many seconds.</param>
internal sealed record Workload(
    string Name, string Title, Service Service, string Unit, double Scale, string CostUnit, double CostScale,
    Func<Door, double, Measured> Run)
{
    internal static IReadOnlyList<Workload> All { get; } =
    [
        Stream("bulk1-up", "one stream up", 1, up: true),
        Stream("bulk1-down", "one stream down", 1, up: false),
        Stream("bulk8-up", "eight streams up", 8, up: true),
        Stream("bulk8-down", "eight streams down", 8, up: false),
        PingPong("ping1", "one ping-pong, 64 B", 1, 64),
        PingPong("ping64", "64 ping-pongs, 64 B", 64, 64),
        PingPong("ping64-16k", "64 ping-pongs, 16 KiB", 64, 16 * 1024),
        new("connect", "connect, echo, close", Service.Echo, "conn/s", 1, "s/100k", 1e5, (door, seconds) => new ConnectLoad(door, seconds)
            .Run()),
    ];

    private static Workload Stream(string name, string title, int streams, bool up) =>
        new(name, title, up ? Service.Sink : Service.Source, "GB/s", 1e9, "s/GB", 1e9, (door, seconds) => up
            ? new UpLoad(door, seconds, streams).Run() : new DownLoad(door, seconds, streams).Run());

    private static Workload PingPong(string name, string title, int connections, int size) =>
        new(name, title, Service.Echo, "req/s", 1, "s/100k", 1e5, (door, seconds) => new PingPongLoad(door, seconds, connections, size)
            .Run());
}
