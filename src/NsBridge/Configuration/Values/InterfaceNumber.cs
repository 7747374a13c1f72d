using System.Globalization;

namespace NsBridge.Configuration.Values;

/// <summary>Which interface a name and a number both mean, as far as that is known without entering a namespace.</summary>
internal static class InterfaceNumber
{
    /// <summary>The loopback interface is the first of every namespace.</summary>
    private const long OfLoopback = 1;

    /// <summary>The address with its interface by number, if that is known; else as it is.</summary>
    public static AddressLiteral Resolve(AddressLiteral address, NamespaceReference place)
    {
        long? number = address is not { Interface: { } name, Address.IsIPv6LinkLocal: true } ? null
            : name == "lo" ? OfLoopback
            : place.Kind == NamespaceKind.Host ? OfHost(name) : null;
        return number is { } known ? new AddressLiteral(new(address.Address.GetAddressBytes(), known), null) : address;
    }

    /// <summary>The number of an interface of the host; null if none has that name.</summary>
    public static long? OfHost(string name)
    {
        try
        {
            string text = File.ReadAllText($"/sys/class/net/{Path.GetFileName(name)}/ifindex");
            return long.Parse(text, NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }
}
