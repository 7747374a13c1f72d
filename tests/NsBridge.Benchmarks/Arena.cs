using System.Net;
using NsBridge.Benchmarks.Load;
using NsBridge.Testing;

namespace NsBridge.Benchmarks;

/// <summary>A namespace with the services in it, reachable over a veth pair too; everything is removed in the end.</summary>
internal sealed class Arena : IAsyncDisposable
{
    private const int Sources = 16;
    private readonly TestNamespace _inside;
    private readonly BackgroundProcess _services;
    private readonly string _link;

    private Arena(TestNamespace inside, BackgroundProcess services, string link, IPAddress insideAddress, byte network)
    {
        _inside = inside;
        _services = services;
        _link = link;
        InsideAddress = insideAddress;
        HostAddresses = [.. Enumerable.Range(1, Sources).Select(host => new IPAddress([198, 18, network, (byte)host]))];
    }

    internal string Namespace => _inside.Name;

    internal string NamespaceFile => _inside.FilePath;

    /// <summary>The services' address across the veth pair.</summary>
    internal IPAddress InsideAddress { get; }

    /// <summary>The host's addresses on the veth pair: several, so that closed connections do not use up the ports.</summary>
    internal IReadOnlyList<IPAddress> HostAddresses { get; }

    internal ScratchDirectory Scratch { get; } = new();

    internal static async Task<Arena> CreateAsync()
    {
        TestNamespace inside = await TestNamespace.CreateAsync();
        try
        {
            // 198.18.0.0/15 is set aside for benchmarks (RFC 2544).
            byte network = (byte)Random.Shared.Next(1, 255);
            string link = $"nb{Random.Shared.Next():x8}";
            await Command.CheckAsync("ip", "link", "add", link, "type", "veth", "peer", "name", "bench0", "netns", inside.Name);
            var address = new IPAddress([198, 18, network, 200]);
            await inside.IpAsync("address", "add", $"{address}/24", "dev", "bench0");
            await inside.IpAsync("link", "set", "bench0", "up");
            // The relay's own connections to the target end here too, one port each.
            await inside.RunAsync("sh", "-c",
                "echo 10000 65535 > /proc/sys/net/ipv4/ip_local_port_range; echo 1 > /proc/sys/net/ipv4/tcp_tw_reuse");
            BackgroundProcess services = inside.Start(Environment.ProcessPath!, "serve");
            var arena = new Arena(inside, services, link, address, network);
            foreach (IPAddress host in arena.HostAddresses)
                await Command.CheckAsync("ip", "address", "add", $"{host}/24", "dev", link);
            await Command.CheckAsync("ip", "link", "set", link, "up");
            await services.LineAsync(line => line == ServiceProcess.Ready, TimeSpan.FromSeconds(20), "the services inside");
            return arena;
        }
        catch
        {
            await inside.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a program inside.</summary>
    internal BackgroundProcess StartInside(string program, params string[] arguments) => _inside.Start(program, arguments);

    public async ValueTask DisposeAsync()
    {
        _services.Dispose();
        await Command.RunAsync("ip", ["link", "delete", _link]);
        await _inside.DisposeAsync();
        Scratch.Dispose();
    }
}
