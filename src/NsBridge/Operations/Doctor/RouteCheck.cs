using System.Net;
using System.Net.Sockets;
using NsBridge.Configuration;
using NsBridge.Linux;
using NsBridge.Linux.Interop;

namespace NsBridge.Operations.Doctor;

/// <summary>Does the namespace know a way to a target that is not its loopback? Nothing is sent.</summary>
internal static class RouteCheck
{
    private const string Name = "route";

    public static Link? Look(Patient patient)
    {
        if (patient.Network is not { } network || patient.Bridge.Target is not { Kind: TargetKind.Address } target)
            return null;
        var address = target.Literal!.Address;
        if (IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal)
            return null;
        var error = Find(network, address, out var source);
        return error switch
        {
            Errno.None when source!.Equals(address) => Link.Ok(Name, $"{address} is an address of {patient.Place} itself"),
            Errno.None => Link.Ok(Name, $"{address} is reached from {source}"),
            Errno.ENETUNREACH or Errno.EHOSTUNREACH => Link.Broken(
                Name,
                $"{patient.Place} has no route to {address}",
                $"'{patient.IpCommand} route' and '{patient.IpCommand} address' show what it has; is the tunnel or the veth up?"),
            Errno.EADDRNOTAVAIL => Link.Broken(
                Name, $"{patient.Place} has no address to reach {address} from", $"give one of its interfaces an address: {patient.IpCommand} address add …"),
            Errno.EACCES => Link.Broken(Name, $"a route of {patient.Place} forbids {address}", $"'{patient.IpCommand} route get {address}' shows which"),
            _ => Link.Note(Name, $"cannot be told: {error}"),
        };
    }

    /// <summary>Asks by connecting a datagram socket, which only looks the route up; its own address is then the source.</summary>
    public static Errno Find(NetworkNamespace network, IPAddress address, out IPAddress? source)
    {
        source = null;
        var family = address.AddressFamily == AddressFamily.InterNetwork ? Libc.AF_INET : Libc.AF_INET6;
        var socket = network.OpenSocket(family, Libc.SOCK_DGRAM, out _, out var failure);
        if (socket < 0)
            return failure.Error;
        try
        {
            var result = Libc.Connect(socket, SockAddr.From(address, 9));
            if (result < 0)
                return Libc.ErrorOf(result);
            result = Libc.LocalAddress(socket, out var local);
            source = local.ToEndPoint()?.Address;
            return result < 0 ? Libc.ErrorOf(result) : Errno.None;
        }
        finally
        {
            Libc.Close(socket);
        }
    }
}
