using System.Net;
using NsBridge.Bridges.Connecting;
using NsBridge.Configuration.Values;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>Does the namespace know a way to a target that is not its loopback? Nothing is sent.</summary>
internal static class RouteCheck
{
    private const string Name = "route";

    public static CheckResult? Look(InspectedBridge patient)
    {
        if (patient.Network is not { } network || patient.Bridge.Target is not { Kind: TargetKind.Address } target)
            return null;
        (IPAddress? address, string? link) = target.Literal!;
        if (IPAddress.IsLoopback(address))
            return null;
        Errno error = Find(network, ConnectTarget.ToTarget(patient.Bridge), 0, out IPAddress? source);
        return error switch
        {
            Errno.None when source!.Equals(WithoutInterface(address)) => CheckResult.Ok(Name, $"{address} is an address of {patient.Place} itself"),
            Errno.None => CheckResult.Ok(Name, $"{address} is reached from {source}"),
            Errno.ENODEV when link is not null => CheckResult.Broken(
                Name, $"{patient.Place} has no interface {link}", $"'{patient.IpCommand} link' lists those it has; correct \"Target\", or make the interface"),
            Errno.ENETUNREACH or Errno.EHOSTUNREACH => CheckResult.Broken(
                Name,
                $"{patient.Place} has no route to {address}",
                $"'{patient.IpCommand} route' and '{patient.IpCommand} address' show what it has; is the tunnel or the veth up?"),
            Errno.EADDRNOTAVAIL => CheckResult.Broken(
                Name, $"{patient.Place} has no address to reach {address} from", $"give one of its interfaces an address: {patient.IpCommand} address add …"),
            Errno.EACCES => CheckResult.Broken(Name, $"a route of {patient.Place} forbids {address}", $"'{patient.IpCommand} route get {address}' shows which"),
            _ => CheckResult.Note(Name, $"cannot be told: {error}"),
        };
    }

    /// <summary>The address alone, as the kernel tells it of a socket that is bound to it.</summary>
    public static IPAddress WithoutInterface(IPAddress address) => new(address.GetAddressBytes());

    /// <summary>Asks by connecting a datagram socket, which only looks the route up; its own address is then the source, told without an interface.</summary>
    public static Errno Find(NetworkNamespace network, ConnectTarget plan, int index, out IPAddress? source)
    {
        source = null;
        int socket = network.OpenSocket(plan.Family(index), Libc.SOCK_DGRAM, out _, out EnterFailure failure);
        if (socket < 0)
            return failure.Error;
        try
        {
            int result = plan.Address(socket, index, 0, out SockAddr address);
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
