using System.Net;

namespace NsBridge.Linux;

/// <summary>A socket that waits for clients, as the kernel reports it.</summary>
/// <param name="Kind">Its protocol.</param>
/// <param name="Address">Its address; null for a UNIX socket.</param>
/// <param name="Name">The path of a UNIX socket, or <c>@</c> and its abstract name; null for an internet socket.</param>
/// <param name="V6Only">Whether an IPv6 wildcard refuses IPv4 clients.</param>
/// <param name="User">The user that made it, as this user namespace numbers users.</param>
/// <param name="Inode">Its inode in <c>/proc/PID/fd</c>: <c>socket:[Inode]</c>.</param>
public sealed record BoundSocket(BoundSocketKind Kind, IPEndPoint? Address, string? Name, bool V6Only, uint User, uint Inode)
{
    /// <summary>Whether a client of the address and port reaches this socket.</summary>
    public bool Takes(IPAddress address, int port)
    {
        if (Address is null || Address.Port != port)
            return false;
        if (Address.Address.Equals(address))
            return true;
        if (Address.Address.Equals(IPAddress.Any))
            return address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
        return Address.Address.Equals(IPAddress.IPv6Any)
            && (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 || !V6Only);
    }

    /// <summary>As <c>ss</c> writes it: <c>127.0.0.1:80</c>, <c>*:80</c> (every address), <c>[::1]:80</c>, <c>unix:@name</c>.</summary>
    public override string ToString() => Address switch
    {
        null => $"unix:{Name}",
        { Address: var address, Port: var port } when address.Equals(IPAddress.IPv6Any) && !V6Only => $"*:{port}",
        _ => Address.ToString(),
    };
}

/// <summary>The protocol of a <see cref="BoundSocket"/>.</summary>
public enum BoundSocketKind
{
    Tcp,
    Udp,

    /// <summary>A UNIX stream socket.</summary>
    Unix,
}
