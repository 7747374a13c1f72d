using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace NsBridge.Configuration.Values;

/// <summary>
/// A literal IP address and, for a link-local one, the interface that was named after <c>%</c>.
/// The interface stays a name: its index belongs to the namespace of the socket, which is not the one this is read in.
/// </summary>
internal sealed record AddressLiteral(IPAddress Address, string? Interface)
{
    private const int LongestInterfaceName = 15;

    /// <summary>Whether it means every address of its family.</summary>
    public bool IsWildcard => Address.Equals(Address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any);

    /// <summary>Whether it is link-local and names no interface: every interface has that network, so no socket can be bound to it or reach it.</summary>
    public bool LacksInterface => Address.IsIPv6LinkLocal && Interface is null && Address.ScopeId == 0;

    /// <summary>Whether it belongs to a group of machines, or to all of a network, and so to nobody who could listen there.</summary>
    public bool IsMulticastOrBroadcast => Address.AddressFamily == AddressFamily.InterNetworkV6
        ? Address.IsIPv6Multicast
        : Address.GetAddressBytes()[0] is >= 224 and < 240 || Address.Equals(IPAddress.Broadcast);

    public override string ToString() => Interface is null ? Address.ToString() : $"{Address}%{Interface}";

    /// <summary>Reads a dotted quad or an IPv6 address without brackets. IPv4-mapped addresses become IPv4 ones.</summary>
    public static bool TryParse(string text, out AddressLiteral value)
    {
        value = new AddressLiteral(IPAddress.None, null);
        string? interfaceName = null;
        int percent = text.IndexOf('%', StringComparison.Ordinal);
        string bare = percent < 0 ? text : text[..percent];
        if (!IPAddress.TryParse(bare, out IPAddress? address))
            return false;

        // The runtime also reads "1", "127.1", "0x7f.0.0.1" and octal parts; an operator who writes those did not mean them.
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            if (percent >= 0 || address.ToString() != bare)
                return false;
        }
        else if (bare.Contains('[', StringComparison.Ordinal) || bare.Contains('/', StringComparison.Ordinal))
        {
            return false;
        }

        if (percent >= 0)
        {
            string scope = text[(percent + 1)..];
            if (scope.Length is 0 || address.IsIPv4MappedToIPv6)
                return false;
            if (uint.TryParse(scope, NumberStyles.None, CultureInfo.InvariantCulture, out uint index) && index > 0)
                address = new IPAddress(address.GetAddressBytes(), index);
            else if (IsInterfaceName(scope))
                interfaceName = scope;
            else
                return false;
        }

        value = new AddressLiteral(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, interfaceName);
        return true;
    }

    // The kernel's dev_valid_name, less what brackets and a second '%' would make ambiguous here.
    private static bool IsInterfaceName(string name)
    {
        foreach (char c in name)
        {
            if (char.IsWhiteSpace(c) || char.IsControl(c) || c is '/' or ':' or '%' or '[' or ']')
                return false;
        }

        return name is not ("." or "..") && name.Length <= LongestInterfaceName;
    }
}
