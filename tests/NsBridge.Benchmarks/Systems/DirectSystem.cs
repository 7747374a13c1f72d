using System.Net;
using NsBridge.Benchmarks.Load;

namespace NsBridge.Benchmarks.Systems;

/// <summary>No relay at all: across the veth pair, which is what one could have by giving the namespace an address.</summary>
internal sealed class DirectSystem(Arena arena) : RelaySystem("direct", arena)
{
    internal override Door DoorTo(Service service) =>
        new(new IPEndPoint(Arena.InsideAddress, ServiceProcess.PortOf(service)), Arena.HostAddresses);

    protected override Task LaunchAsync() => Task.CompletedTask;
}
