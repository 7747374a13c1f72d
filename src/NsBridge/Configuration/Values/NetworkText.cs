using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace NsBridge.Configuration.Values;

/// <summary>Parses a CIDR, or one address as a network of its own. IPv4-mapped networks become IPv4 ones.</summary>
internal static class NetworkText
{
    private const int MappedPrefix = 96;

    public static bool TryParse(string text, out IPNetwork value, out string fault)
    {
        (value, fault) = (default, "");
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string addressText = slash < 0 ? text : text[..slash];
        if (!AddressLiteral.TryParse(addressText, out AddressLiteral literal) || addressText.Contains('%', StringComparison.Ordinal))
            return Refuse.With("write a network such as 192.168.0.0/16, fd00::/8 or one address; names are not looked up", out fault);
        IPAddress address = literal.Address;
        int written = addressText.Contains(':', StringComparison.Ordinal) ? 128 : 32;
        int prefix = written;
        if (slash >= 0
            && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out prefix) || prefix > written))
            return Refuse.With($"the number after '/' must be 0-{written}", out fault);
        bool isMapped = written == 128 && address.AddressFamily == AddressFamily.InterNetwork;
        if (isMapped && (prefix -= MappedPrefix) < 0)
            return Refuse.With("an IPv4-mapped network has a prefix of 96-128; write the IPv4 network instead", out fault);
        IPAddress network = Mask(address, prefix);
        value = new IPNetwork(network, prefix);
        return network.Equals(address) || Refuse.With(
            $"the address has bits behind the prefix; write {network}/{prefix} for the network or {address} for the one address",
            out fault);
    }

    /// <summary>The address with only the bits before the prefix.</summary>
    public static IPAddress Mask(IPAddress address, int prefix)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] &= (byte)(0xFF << (8 - Math.Clamp(prefix - (i * 8), 0, 8)));
        return new IPAddress(bytes);
    }
}
