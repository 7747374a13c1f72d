using System.Net;
using System.Net.Sockets;
using NsBridge.Benchmarks.Load;
using NsBridge.Testing;

namespace NsBridge.Benchmarks.Systems;

/// <summary>Something that leads from a port of the host to a service inside the namespace.</summary>
internal abstract class RelaySystem(string name, Arena arena) : IDisposable
{
    private static readonly IPAddress[] s_loopbackSources =
        [.. Enumerable.Range(1, 16).Select(host => new IPAddress([127, 0, 0, (byte)host]))];
    private static readonly TimeSpan s_readyDeadline = TimeSpan.FromSeconds(20);
    private readonly List<BackgroundProcess> _processes = [];

    internal string Name { get; } = name;

    /// <summary>The package that is missing; null if everything is installed.</summary>
    internal virtual string? Missing => null;

    protected Arena Arena { get; } = arena;

    /// <summary>A port of the host for each service.</summary>
    protected IReadOnlyDictionary<Service, int> Ports { get; } = Enum.GetValues<Service>()
        .ToDictionary(service => service, _ => HostSockets.FreePort());

    internal static IEnumerable<RelaySystem> All(Arena arena) =>
        [new NsBridgeSystem(arena), new HaProxySystem(arena), new SocketProxydSystem(arena), new SocatSystem(arena),
            new DirectSystem(arena)];

    internal virtual Door DoorTo(Service service) => new(new IPEndPoint(IPAddress.Loopback, Ports[service]), s_loopbackSources);

    /// <summary>Starts it, and returns when an echo came back through it.</summary>
    internal async Task StartAsync()
    {
        await LaunchAsync();
        Door door = DoorTo(Service.Echo);
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    using Socket probe = await TestClient.TcpAsync(door.To);
                    await probe.SendAllAsync(new byte[1]);
                    using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
                    return (await probe.ReceiveExactlyAsync(1, patience.Token)).Length == 1;
                }
                catch (Exception error) when (error is SocketException or EndOfStreamException or OperationCanceledException)
                {
                    return false;
                }
            },
            s_readyDeadline,
            () => $"{Name} relays\n{string.Join('\n', _processes.SelectMany(process => process.Lines.TakeLast(20)))}");
    }

    /// <summary>Processor time of its processes so far, those of their ended children included.</summary>
    internal double ProcessorSeconds() => ProcessTree.ProcessorSeconds(_processes.Select(process => process.Id));

    public void Dispose() => _processes.ForEach(process => process.Dispose());

    protected abstract Task LaunchAsync();

    protected void Run(BackgroundProcess process) => _processes.Add(process);

    /// <summary>The path of a program; null if it is not installed.</summary>
    protected static string? Find(params string[] names) =>
        names.SelectMany(name => name.StartsWith('/') ? [name] : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Append("/usr/sbin").Select(folder => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
}
