using System.Globalization;

namespace NsBridge.Configuration.Values;

/// <summary>Which interface a name and a number both mean, as far as that can be told without entering a namespace.</summary>
internal static class InterfaceNumber
{
    /// <summary>The loopback interface is the first of every namespace.</summary>
    private const long OfLoopback = 1;

    /// <summary>The address with its interface by number, where that is known; else as it is.</summary>
    /// <param name="address">An address, perhaps with an interface by name.</param>
    /// <param name="place">Whose interface it is.</param>
    public static AddressLiteral Resolve(AddressLiteral address, NamespaceReference place) =>
        address.Interface is { } name && Find(name, place) is { } number ? new AddressLiteral(new(address.Address.GetAddressBytes(), number), null) : address;

    private static long? Find(string name, NamespaceReference place) =>
        name == "lo" ? OfLoopback : place.Kind == NamespaceKind.Host ? OfHost(name) : null;

    /// <summary>The number of an interface of the host; null where none has that name.</summary>
    public static long? OfHost(string name)
    {
        try
        {
            return long.Parse(File.ReadAllText($"/sys/class/net/{Path.GetFileName(name)}/ifindex"), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }
}
