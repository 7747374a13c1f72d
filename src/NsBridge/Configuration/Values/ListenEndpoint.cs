using System.Net;

namespace NsBridge.Configuration.Values;

internal enum ListenScope
{
    /// <summary>127.0.0.1 and ::1 (a bare port, or <c>localhost</c>).</summary>
    Loopback,
    /// <summary>Every address of both families (<c>*</c>).</summary>
    Any,
    /// <summary>The one address that was written.</summary>
    Address,
    /// <summary>The addresses that an interface has at the time.</summary>
    Interface,
}

/// <summary>One socket that a listener opens.</summary>
/// <param name="Address">The address to bind.</param>
/// <param name="Port">1 to 65535.</param>
/// <param name="DualStack">An IPv6 wildcard that takes IPv4 clients too; every other IPv6 socket is IPv6 only.</param>
/// <param name="Interface">The interface of a link-local address, to be looked up in the socket's own namespace; else null.</param>
/// <param name="Offset">The position of <paramref name="Port"/> in its range, from 0: the target's port has the same one.</param>
internal readonly record struct ListenSocket(IPAddress Address, int Port, bool DualStack, string? Interface, int Offset)
{
    /// <summary>The socket in place of a <see cref="DualStack"/> one on a machine without IPv6.</summary>
    public ListenSocket WithoutIPv6 => this with { Address = IPAddress.Any, DualStack = false };
}

/// <summary>One entry of <c>Listen</c>: where clients connect.</summary>
/// <param name="Text">As the operator wrote it.</param>
/// <param name="Scope">Whether it means the loopback addresses, every address or one.</param>
/// <param name="Literal">The one address of a <see cref="ListenScope.Address"/>; else null.</param>
/// <param name="Ports">One port or consecutive ones.</param>
/// <param name="Interface">The name of a <see cref="ListenScope.Interface"/>; else null.</param>
internal sealed record ListenEndpoint(string Text, ListenScope Scope, AddressLiteral? Literal, PortRange Ports, string? Interface = null)
{
    private const string Forms =
        "write PORT, localhost:PORT, ADDR:PORT, [V6]:PORT, INTERFACE:PORT, *:PORT or a range such as ADDR:8000-8009";

    /// <summary>What stands for the IPv4 and the IPv6 addresses of an interface, which are known in its namespace alone: two addresses that
    /// cannot be listened on.</summary>
    public static readonly IPAddress[] OfInterface = [IPAddress.Broadcast, IPAddress.Parse("ff02::1")];

    /// <summary>The addresses of the sockets, each family's own; <see cref="OfInterface"/> for an interface.</summary>
    public AddressLiteral[] Addresses => Scope switch
    {
        ListenScope.Loopback => [new AddressLiteral(IPAddress.Loopback, null), new AddressLiteral(IPAddress.IPv6Loopback, null)],
        ListenScope.Any => [new AddressLiteral(IPAddress.Any, null), new AddressLiteral(IPAddress.IPv6Any, null)],
        ListenScope.Interface => [.. OfInterface.Select(address => new AddressLiteral(address, Interface))],
        _ => [Literal!],
    };

    public override string ToString() => Text;

    /// <summary>Every socket to open, by port. A bare port is two sockets, one for each loopback address; <c>*</c> is one dual-stack
    /// socket (a host without IPv6 binds it to 0.0.0.0).</summary>
    /// <param name="ofInterface">The addresses that the interface has now; null for an entry without one, or to count them.</param>
    public IEnumerable<ListenSocket> Sockets(IEnumerable<IPAddress>? ofInterface = null)
    {
        AddressLiteral[] addresses = ofInterface?.Select(address => new AddressLiteral(address, null)).ToArray() ?? Addresses;
        for (int port = Ports.First; port <= Ports.Last; port++)
        {
            int offset = port - Ports.First;
            if (Scope == ListenScope.Any)
            {
                yield return new ListenSocket(IPAddress.IPv6Any, port, true, null, offset);
                continue;
            }
            foreach (AddressLiteral literal in addresses)
                yield return new ListenSocket(literal.Address, port, false, literal.Interface, offset);
        }
    }

    /// <summary>Whether the target is surely the listener itself. A wildcard counts for loopback targets alone: another address may belong
    /// to another machine, and forwarding a port to the same one there is an honest use.</summary>
    public bool Reaches(TargetEndpoint target) => Ports.Overlaps(target.Ports) && target.Addresses.Any(address => Addresses.Any(own =>
        own.Address.AddressFamily == address.AddressFamily
        && (own.IsWildcard ? IPAddress.IsLoopback(address) : own == (target.Literal ?? new AddressLiteral(address, null)))));

    /// <summary>Parses <c>PORT</c>, or <c>HOST:PORT</c> with <c>localhost</c>, an address, an interface or <c>*</c>; PORT may be a
    /// range.</summary>
    public static bool TryParse(string text, out ListenEndpoint value, out string fault)
    {
        value = null!;
        if (PortRange.LooksLike(text))
        {
            if (!PortRange.TryParse(text, out PortRange barePorts, out fault))
                return false;
            value = new ListenEndpoint(text, ListenScope.Loopback, null, barePorts);
            return true;
        }
        if (text.Contains(',', StringComparison.Ordinal))
        {
            IEnumerable<string> several = text.Split(',', StringSplitOptions.TrimEntries).Select(one => $"\"{one}\"");
            return Refuse.With($"several stand in a list: [ {string.Join(", ", several)} ]", out fault);
        }
        if (!HostAndPorts.TryParse(text, Forms, out string host, out PortRange ports, out fault))
            return false;
        AddressLiteral? literal = null;
        bool isLoopback = host.Equals("localhost", StringComparison.OrdinalIgnoreCase);
        if (!isLoopback && AddressLiteral.LooksLikeInterface(host))
        {
            value = new ListenEndpoint(text, ListenScope.Interface, null, ports, host);
            return true;
        }
        if (host != "*" && !isLoopback)
        {
            fault = !AddressLiteral.TryParse(host, out literal) ? $"'{host}' is not an IP address, and names are not looked up; {Forms}"
                : literal.LacksInterface ? $"a link-local address belongs to an interface; name it, as in [{literal}%eth0]:{ports}"
                : literal.IsMulticastOrBroadcast ? "a multicast or broadcast address cannot be listened on"
                : "";
        }
        if (fault.Length > 0)
            return false;
        ListenScope scope = isLoopback ? ListenScope.Loopback : literal is null ? ListenScope.Any : ListenScope.Address;
        value = new ListenEndpoint(text, scope, literal, ports);
        return true;
    }
}
