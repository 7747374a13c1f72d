using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace NsBridge.Configuration.Values;

/// <summary>A literal IP address and the interface named after <c>%</c> of a link-local one. The interface stays a name: its index belongs
/// to the namespace of the socket, not to the one of this process.</summary>
internal sealed record AddressLiteral(IPAddress Address, string? Interface)
{
    private const int LongestInterfaceName = 15;
    /// <summary>Whether it means every address of its family.</summary>
    public bool IsWildcard => Address.Equals(Address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any);
    /// <summary>Whether it is link-local without an interface: every interface has that network, so no socket can reach it.</summary>
    public bool LacksInterface => Address.IsIPv6LinkLocal && Interface is null && Address.ScopeId == 0;

    /// <summary>Whether it belongs to a group of machines or to all of a network: no socket can listen there.</summary>
    public bool IsMulticastOrBroadcast => Address.AddressFamily == AddressFamily.InterNetworkV6
        ? Address.IsIPv6Multicast
        : Address.GetAddressBytes()[0] is >= 224 and < 240 || Address.Equals(IPAddress.Broadcast);

    public override string ToString() => Interface is null ? Address.ToString() : $"{Address}%{Interface}";

    /// <summary>Parses a dotted quad or an IPv6 address without brackets. IPv4-mapped addresses become IPv4 ones.</summary>
    public static bool TryParse(string text, out AddressLiteral value)
    {
        value = new AddressLiteral(IPAddress.None, null);
        int percent = text.IndexOf('%', StringComparison.Ordinal);
        string bare = percent < 0 ? text : text[..percent];
        if (!IPAddress.TryParse(bare, out IPAddress? address))
            return false;
        // The runtime also parses "1", "127.1", "0x7f.0.0.1" and octal parts, which no operator means.
        bool isRight = address.AddressFamily == AddressFamily.InterNetwork
            ? percent < 0 && address.ToString() == bare
            : bare.AsSpan().IndexOfAny('[', '/') < 0;
        string? scope = percent < 0 ? null : text[(percent + 1)..];
        if (!isRight || (scope is not null && address.IsIPv4MappedToIPv6))
            return false;
        if (uint.TryParse(scope, NumberStyles.None, CultureInfo.InvariantCulture, out uint index) && index > 0)
            (address, scope) = (new IPAddress(address.GetAddressBytes(), index), null);
        else if (scope is not null && !IsInterfaceName(scope))
            return false;
        value = new AddressLiteral(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, scope);
        return true;
    }

    /// <summary>Whether it can be an interface's name, not a DNS name or a mistyped address: a letter first, and only numbers behind dots,
    /// as in <c>eth0.100</c>.</summary>
    public static bool LooksLikeInterface(string host) => IsInterfaceName(host) && char.IsAsciiLetter(host[0])
        && host.Split('.').Skip(1).All(part => part.Length > 0 && part.All(char.IsAsciiDigit));

    // The kernel's dev_valid_name, without what brackets and a second '%' would make ambiguous here.
    private static bool IsInterfaceName(string name) => name.Length is > 0 and <= LongestInterfaceName && name is not ("." or "..")
        && !name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '/' or ':' or '%' or '[' or ']');
}
