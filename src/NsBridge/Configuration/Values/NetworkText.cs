using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace NsBridge.Configuration.Values;

/// <summary>Reads a CIDR, or one address as a network of its own. IPv4-mapped networks become IPv4 ones.</summary>
internal static class NetworkText
{
    private const int MappedPrefix = 96;

    public static bool TryParse(string text, out IPNetwork value, out string fault)
    {
        value = default;
        fault = "write a network such as 192.168.0.0/16, fd00::/8 or one address; names are not looked up";
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string addressText = slash < 0 ? text : text[..slash];
        if (!AddressLiteral.TryParse(addressText, out AddressLiteral? literal) || addressText.Contains('%', StringComparison.Ordinal))
            return false;

        IPAddress address = literal.Address;
        int written = addressText.Contains(':', StringComparison.Ordinal) ? 128 : 32;
        bool mapped = written == 128 && address.AddressFamily == AddressFamily.InterNetwork;
        int prefix = written;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out prefix) || prefix > written))
        {
            fault = $"the number after '/' must be 0-{written}";
            return false;
        }

        if (mapped && (prefix -= MappedPrefix) < 0)
        {
            fault = "an IPv4-mapped network has a prefix of 96-128; write the IPv4 network instead";
            return false;
        }

        IPAddress network = Mask(address, prefix);
        if (!network.Equals(address))
        {
            fault = $"the address has bits behind the prefix; write {network}/{prefix} for the network or {address} for the one address";
            return false;
        }

        fault = "";
        value = new IPNetwork(network, prefix);
        return true;
    }

    /// <summary>The address with nothing but the bits before the prefix.</summary>
    public static IPAddress Mask(IPAddress address, int prefix)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int i = 0; i < bytes.Length; i++)
        {
            int keep = Math.Clamp(prefix - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF << (8 - keep));
        }

        return new IPAddress(bytes);
    }
}
