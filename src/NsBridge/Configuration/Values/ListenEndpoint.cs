using System.Net;

namespace NsBridge.Configuration.Values;

/// <summary>One entry of <c>Listen</c>: where clients are awaited.</summary>
/// <param name="Text">As the operator wrote it.</param>
/// <param name="Scope">Whether it means the loopback addresses, every address or one.</param>
/// <param name="Literal">The one address, where <paramref name="Scope"/> says so; else null.</param>
/// <param name="Ports">One port or consecutive ones.</param>
internal sealed record ListenEndpoint(string Text, ListenScope Scope, AddressLiteral? Literal, PortRange Ports)
{
    private const string Forms = "write PORT, ADDR:PORT, [V6]:PORT, *:PORT or a range such as ADDR:8000-8009";

    public override string ToString() => Text;

    /// <summary>
    /// Every socket to open, by port. A bare port is two sockets, one for each loopback address; <c>*</c> is one dual-stack socket
    /// (a host without IPv6 binds it to 0.0.0.0).
    /// </summary>
    public IEnumerable<ListenSocket> Sockets()
    {
        for (int port = Ports.First; port <= Ports.Last; port++)
        {
            int offset = port - Ports.First;
            switch (Scope)
            {
                case ListenScope.Loopback:
                    yield return new ListenSocket(IPAddress.Loopback, port, false, null, offset);
                    yield return new ListenSocket(IPAddress.IPv6Loopback, port, false, null, offset);
                    break;
                case ListenScope.Any:
                    yield return new ListenSocket(IPAddress.IPv6Any, port, true, null, offset);
                    break;
                default:
                    yield return new ListenSocket(Literal!.Address, port, false, Literal.Interface, offset);
                    break;
            }
        }
    }

    /// <summary>Reads <c>PORT</c>, <c>ADDR:PORT</c>, <c>[V6]:PORT</c> or <c>*:PORT</c>, each with a range for PORT too.</summary>
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
            fault = $"several stand in a list: [ {string.Join(", ", text.Split(',', StringSplitOptions.TrimEntries).Select(one => $"\"{one}\""))} ]";
            return false;
        }

        if (!HostAndPorts.TryParse(text, Forms, out string? host, out PortRange ports, out fault))
            return false;
        if (host == "*")
        {
            value = new ListenEndpoint(text, ListenScope.Any, null, ports);
            return true;
        }

        if (!AddressLiteral.TryParse(host, out AddressLiteral? literal))
        {
            fault = $"'{host}' is not an IP address, and names are not looked up; {Forms}";
            return false;
        }

        if (literal.LacksInterface)
        {
            fault = $"a link-local address belongs to an interface; name it, as in [{literal}%eth0]:{ports}";
            return false;
        }

        if (literal.IsMulticastOrBroadcast)
        {
            fault = "a multicast or broadcast address cannot be listened on";
            return false;
        }

        value = new ListenEndpoint(text, ListenScope.Address, literal, ports);
        return true;
    }
}
