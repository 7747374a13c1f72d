using System.Net;
using System.Net.Sockets;
using NsBridge.Commands.Inspection;
using NsBridge.Configuration.Values;
using NsBridge.Linux.Interop;

namespace NsBridge.Commands.Doctor;

/// <summary>Is the address to listen on there? Tried by binding a socket to it, at a port of the kernel's choice.</summary>
internal static class ListenAddressCheck
{
    /// <returns>The broken link; null where nothing speaks against the address.</returns>
    public static CheckResult? Look(string name, ListenSocket wanted, ResolvedNamespace door)
    {
        if (wanted.Address.Equals(IPAddress.Any) || wanted.Address.Equals(IPAddress.IPv6Any) || wanted.Interface is not null)
            return null;
        int family = wanted.Address.AddressFamily == AddressFamily.InterNetwork ? Libc.AF_INET : Libc.AF_INET6;
        int probe = door.Network!.OpenSocket(family, Libc.SOCK_DGRAM, out _, out _);
        // A machine without IPv6, say: the daemon leaves such an address out where it may.
        if (probe < 0)
            return null;
        Errno error = Libc.ErrorOf(Libc.Bind(probe, SockAddr.From(wanted.Address, 0)));
        Libc.Close(probe);
        return error == Errno.EADDRNOTAVAIL
            ? CheckResult.Broken(
                name,
                $"{(door.Network.IsOwn ? "this machine" : door.Name)} has no address {wanted.Address}",
                $"'{door.IpCommand} address' lists those it has; \"*:{wanted.Port}\" means every one")
            : null;
    }

    /// <summary>Does <c>lo</c> carry what comes to a loopback address? A socket can be bound to one all the same.</summary>
    /// <returns>The broken link; null where nothing speaks against the addresses.</returns>
    public static CheckResult? LookAtLoopback(string name, IEnumerable<ListenSocket> wanted, ResolvedNamespace door)
    {
        if (wanted.Select(socket => socket.Address).FirstOrDefault(IPAddress.IsLoopback) is not { } address)
            return null;
        int probe = door.Network!.OpenSocket(Libc.AF_INET, Libc.SOCK_DGRAM, out _, out _);
        if (probe < 0)
            return null;
        int up = Libc.LoopbackIsUp(probe);
        Libc.Close(probe);
        return up == 0
            ? CheckResult.Broken(name, $"lo is down in {door.Name}, so that nobody in there reaches {address}", $"{door.IpCommand} link set lo up")
            : null;
    }
}
