using System.Net;
using NsBridge.Bridges.Connecting;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>Is <c>lo</c> up, if the target is reached by it? A fresh namespace has it down.</summary>
internal static class LoopbackCheck
{
    private const string Name = "lo";

    public static CheckResult? Probe(InspectedBridge bridge)
    {
        if (bridge.Network is not { } network || bridge.Settings.Target is not { IsUnix: false } target)
            return null;
        if (target.Kind == TargetKind.Address && !IPAddress.IsLoopback(target.Literal!.Address))
            return null;
        int up = IsUp(network, out EnterFailure failure);
        return up switch
        {
            _ when failure.Step != EnterStep.None => CheckResult.Note(Name, network.Explain(failure)),
            > 0 => CheckResult.Ok(Name, $"up in {bridge.Place}"),
            0 => CheckResult.Broken(Name, $"down in {bridge.Place}, so nothing reaches {target}", $"{bridge.IpCommand} link set lo up"),
            _ => CheckResult.Broken(Name, $"missing in {bridge.Place}: {Libc.ErrorOf(up)}", "make the namespace again"),
        };
    }

    /// <returns>1 if <c>lo</c> is up, 0 if it is down, else a negated error.</returns>
    public static int IsUp(NetworkNamespace network, out EnterFailure failure)
    {
        int socket = network.OpenSocket(Libc.AF_INET, Libc.SOCK_DGRAM, out _, out failure);
        if (socket < 0)
            return -(int)failure.Error;
        int up = Libc.LoopbackIsUp(socket);
        Libc.Close(socket);
        return up;
    }
}

/// <summary>Does the namespace have a route to a target that is not its loopback? Nothing is sent.</summary>
internal static class RouteCheck
{
    private const string Name = "route";

    public static CheckResult? Probe(InspectedBridge bridge)
    {
        if (bridge.Network is not { } network || bridge.Settings.Target is not { Kind: TargetKind.Address } target)
            return null;
        (IPAddress? address, string? link) = target.Literal!;
        if (IPAddress.IsLoopback(address))
            return null;
        Errno error = Find(network, ConnectTarget.ToTarget(bridge.Settings), 0, out IPAddress? source);
        (string place, string ip) = (bridge.Place, bridge.IpCommand);
        return error switch
        {
            Errno.None when source!.Equals(WithoutInterface(address)) => CheckResult.Ok(Name, $"{address} is an address of {place} itself"),
            Errno.None => CheckResult.Ok(Name, $"{address} is reached from {source}"),
            Errno.ENODEV when link is not null => CheckResult.Broken(
                Name, $"{place} has no interface {link}", $"{ip} link  # lists those it has; correct \"Target\", or make the interface"),
            Errno.ENETUNREACH or Errno.EHOSTUNREACH => CheckResult.Broken(
                Name, $"{place} has no route to {address}", $"{ip} route; {ip} address  # is the tunnel or the veth up?"),
            Errno.EADDRNOTAVAIL => CheckResult.Broken(
                Name, $"{place} has no address to reach {address} from", $"{ip} address  # then: {ip} address add ADDRESS dev INTERFACE"),
            Errno.EACCES => CheckResult.Broken(Name, $"a route of {place} forbids {address}", $"{ip} route get {address}"),
            _ => CheckResult.Note(Name, $"not known: {error}"),
        };
    }

    /// <summary>The address alone, as the kernel reports it of a socket that is bound to it.</summary>
    public static IPAddress WithoutInterface(IPAddress address) => new(address.GetAddressBytes());

    /// <summary>Connects a datagram socket, which only looks the route up; the source is its own address then.</summary>
    public static Errno Find(NetworkNamespace network, ConnectTarget target, int index, out IPAddress? source)
    {
        source = null;
        int socket = network.OpenSocket(target.Family(index), Libc.SOCK_DGRAM, out _, out EnterFailure failure);
        if (socket < 0)
            return failure.Error;
        try
        {
            int result = target.Address(socket, index, 0, out SockAddr address);
            if (result >= 0)
                result = Libc.Connect(socket, address);
            if (result < 0)
                return Libc.ErrorOf(result);
            result = Libc.LocalAddress(socket, out SockAddr local);
            source = local.ToEndPoint() is { } end ? WithoutInterface(end.Address) : null;
            return result < 0 ? Libc.ErrorOf(result) : Errno.None;
        }
        finally
        {
            Libc.Close(socket);
        }
    }
}
