using System.Net;
using System.Net.Sockets;

namespace NsBridge.Configuration;

/// <summary>Whether two endpoints in one namespace mean a common socket.</summary>
internal static class ListenOverlap
{
    /// <summary>Whether both cannot be bound at once.</summary>
    public static bool Between(ListenEndpoint one, ListenEndpoint other)
    {
        if (!one.Ports.Overlaps(other.Ports))
            return false;
        foreach (var a in Addresses(one))
        {
            foreach (var b in Addresses(other))
            {
                if (a.Address.AddressFamily != b.Address.AddressFamily)
                    continue;
                if (IsWildcard(a.Address) || IsWildcard(b.Address) || a == b)
                    return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Whether the target is surely the listener itself. A wildcard counts for loopback targets alone: another address may belong
    /// to another machine, and forwarding a port to the same one there is an honest use.
    /// </summary>
    public static bool Reaches(ListenEndpoint entry, TargetEndpoint target)
    {
        if (!entry.Ports.Overlaps(target.Ports))
            return false;
        foreach (var address in target.Addresses)
        {
            foreach (var own in Addresses(entry))
            {
                if (own.Address.AddressFamily != address.AddressFamily)
                    continue;
                if (IsWildcard(own.Address) ? IPAddress.IsLoopback(address) : own == (target.Literal ?? new AddressLiteral(address, null)))
                    return true;
            }
        }

        return false;
    }

    private static AddressLiteral[] Addresses(ListenEndpoint endpoint) => endpoint.Scope switch
    {
        ListenScope.Loopback => [new AddressLiteral(IPAddress.Loopback, null), new AddressLiteral(IPAddress.IPv6Loopback, null)],
        ListenScope.Any => [new AddressLiteral(IPAddress.Any, null), new AddressLiteral(IPAddress.IPv6Any, null)],
        _ => [endpoint.Literal!],
    };

    private static bool IsWildcard(IPAddress address) =>
        address.Equals(address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any);
}
