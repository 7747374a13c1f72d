using System.Net;

namespace NsBridge.Configuration.Values;

/// <summary>One socket that a listener opens.</summary>
/// <param name="Address">What to bind to.</param>
/// <param name="Port">1 to 65535.</param>
/// <param name="DualStack">An IPv6 wildcard that takes IPv4 clients too; every other IPv6 socket is IPv6 only.</param>
/// <param name="Interface">The interface a link-local address was written with, to be looked up in the socket's own namespace; else null.</param>
/// <param name="Offset">The position of <paramref name="Port"/> in its range, from 0: the target's port has the same one.</param>
internal readonly record struct ListenSocket(IPAddress Address, int Port, bool DualStack, string? Interface, int Offset)
{
    /// <summary>What it is on a machine without IPv6, where it is <see cref="DualStack"/>.</summary>
    public ListenSocket WithoutIPv6 => this with { Address = IPAddress.Any, DualStack = false };
}
