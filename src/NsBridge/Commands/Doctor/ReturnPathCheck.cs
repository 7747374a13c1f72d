using System.Net;
using NsBridge.Bridges;
using NsBridge.Configuration.Values;
using NsBridge.Linux;

namespace NsBridge.Commands.Doctor;

/// <summary>Do the service's answers to clients' own addresses come back, if <c>SourceAddress</c> is <c>client</c>?</summary>
internal static class ReturnPathCheck
{
    private const string Name = "source";

    public static CheckResult? Probe(InspectedBridge bridge)
    {
        if (bridge is not { Network: { } network, Settings: { SourceAddress: SourceAddress.Client, Target: { } target } })
            return null;
        if (ReturnPath.Prove(network, bridge.Settings, out _) is { } trouble)
        {
            return trouble.Code == ReasonCode.SourceAddressForbidden
                ? CheckResult.Unknown(Name, trouble.Text, bridge.AsRoot)
                : CheckResult.Broken(
                    Name,
                    trouble.Text,
                    string.Join("; ", target.Addresses.SelectMany(address => ReturnPath.Commands(address, bridge.IpCommand))));
        }
        return OnEveryAddress(bridge, network, target) is { } service
            ? CheckResult.Broken(
                Name,
                $"the service on {service} is bound to every address: its answers to clients' own addresses leave by the default route",
                $"let the service listen on {target.Addresses[0]} alone")
            : CheckResult.Ok(Name, $"answers to clients' own addresses come back inside {bridge.Place}");
    }

    /// <summary>A UDP service that answers from where routing says, not from the address a datagram came to; null for none. An accepted TCP
    /// connection has that address.</summary>
    private static BoundSocket? OnEveryAddress(InspectedBridge bridge, NetworkNamespace network, TargetEndpoint target) =>
        bridge.Kind != BoundSocketKind.Udp ? null : Enumerable.Range(target.Ports.First, target.Ports.Count)
            .SelectMany(port => bridge.Sockets.In(network).At(bridge.Kind, port))
            .FirstOrDefault(socket => socket.Address is { } bound && !IPAddress.IsLoopback(bound.Address)
                && target.Addresses.Any(address => socket.Takes(address, bound.Port)));
}
