using System.Net;

namespace NsBridge.Configuration.Values;

/// <summary>Which addresses an entry of <c>Listen</c> takes.</summary>
internal static class ListenAddresses
{
    /// <summary>
    /// Whether the target is surely the listener itself. A wildcard counts for loopback targets alone: another address may belong
    /// to another machine, and forwarding a port to the same one there is an honest use.
    /// </summary>
    public static bool Reaches(ListenEndpoint entry, TargetEndpoint target)
    {
        if (!entry.Ports.Overlaps(target.Ports))
            return false;
        foreach (IPAddress address in target.Addresses)
        {
            foreach (AddressLiteral own in Of(entry))
            {
                if (own.Address.AddressFamily != address.AddressFamily)
                    continue;
                if (own.IsWildcard ? IPAddress.IsLoopback(address) : own == (target.Literal ?? new AddressLiteral(address, null)))
                    return true;
            }
        }

        return false;
    }

    /// <summary>The addresses of the sockets that are opened, each family's own.</summary>
    public static AddressLiteral[] Of(ListenEndpoint endpoint) => endpoint.Scope switch
    {
        ListenScope.Loopback => [new AddressLiteral(IPAddress.Loopback, null), new AddressLiteral(IPAddress.IPv6Loopback, null)],
        ListenScope.Any => [new AddressLiteral(IPAddress.Any, null), new AddressLiteral(IPAddress.IPv6Any, null)],
        _ => [endpoint.Literal!],
    };
}
