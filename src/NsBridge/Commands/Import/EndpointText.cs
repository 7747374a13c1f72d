using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NsBridge.Base;
using NsBridge.Configuration.Values;

namespace NsBridge.Commands.Import;

/// <summary>The addresses of socat as <c>Listen</c> and <c>Target</c> have them.</summary>
internal static class EndpointText
{
    /// <exception cref="UserErrorException">The port or the address is no number.</exception>
    public static string Listen(SocatAddress address)
    {
        int port = PortOf(address, 0);
        string bind = address.Options.GetValueOrDefault("bind") ?? (address.Keyword.Contains('6', StringComparison.Ordinal) ? "::" : "0.0.0.0");
        return Text(AddressOf(bind == "localhost" ? "127.0.0.1" : bind), port);
    }

    /// <exception cref="UserErrorException">The port or the address is no number, or it leads to what is no target.</exception>
    public static string Target(SocatAddress address)
    {
        if (address.IsUnixConnector)
            return $"unix:{address.Parameters[0]}";
        if (address.IsAbstractConnector)
            return $"unix:@{address.Parameters[0]}";
        if (!address.IsConnector || address.Parameters.Count != 2)
            throw Unknown(address);
        int port = PortOf(address, 1);
        return address.Parameters[0] == "localhost"
            ? string.Create(CultureInfo.InvariantCulture, $"localhost:{port}")
            : Text(AddressOf(address.Parameters[0]), port);
    }

    public static UserErrorException Unknown(SocatAddress address) =>
        new($"socat's {address.Keyword} cannot be turned into a bridge; TCP, UDP and UNIX sockets can, and EXEC of another socat", ExitCode.Usage);

    private static string Text(AddressLiteral address, int port)
    {
        string host = address.Address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();
        return string.Create(CultureInfo.InvariantCulture, $"{host}:{port}");
    }

    private static int PortOf(SocatAddress address, int index) =>
        index < address.Parameters.Count && ushort.TryParse(address.Parameters[index], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0
            ? port
            : throw new UserErrorException($"{address.Keyword}: the port must be a number; names of services are not looked up", ExitCode.Usage);

    private static AddressLiteral AddressOf(string text)
    {
        string bare = text.Trim('[', ']');
        if (AddressLiteral.TryParse(bare, out AddressLiteral? literal))
            return literal;
        // Socat also takes an address such as 127.1. The name of an interface would be taken for one of this namespace here.
        return !bare.Contains('%', StringComparison.Ordinal) && IPAddress.TryParse(bare, out IPAddress? address)
            ? new AddressLiteral(address, null)
            : throw new UserErrorException($"'{text}' is a name, and names are not looked up: the question would leak out of the namespace; put its address there", ExitCode.Usage);
    }
}
