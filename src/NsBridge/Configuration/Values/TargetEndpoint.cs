using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NsBridge.Configuration.Values;

internal enum TargetKind
{
    /// <summary>One literal address.</summary>
    Address,
    /// <summary>127.0.0.1, then ::1.</summary>
    Localhost,
    /// <summary>A UNIX socket with a path.</summary>
    UnixPath,
    /// <summary>A UNIX socket in the namespace's abstract name space.</summary>
    UnixAbstract,
}

/// <summary>Where connections go, as seen from inside the bridge's namespace.</summary>
/// <param name="Text">As the operator wrote it.</param>
/// <param name="Kind">Which of the forms it has.</param>
/// <param name="Literal">The address of a <see cref="TargetKind.Address"/>; else null.</param>
/// <param name="Ports">The ports of an address or localhost; <c>default</c> for a UNIX socket.</param>
/// <param name="UnixName">The path, or the abstract name without its <c>@</c>; null for an address.</param>
internal sealed record TargetEndpoint(string Text, TargetKind Kind, AddressLiteral? Literal, PortRange Ports, string? UnixName)
{
    /// <summary>sun_path without its closing zero; an abstract name uses the same byte for its leading one.</summary>
    public const int LongestUnixName = 107;
    private const string Forms = "write ADDR:PORT, [V6]:PORT, localhost:PORT, ADDR:FIRST-LAST, unix:/path or unix:@name";
    private const string NotEvery = "a target is one address, not every address; for the namespace's own services write localhost:PORT";
    private static readonly ValueList<IPAddress> s_localhost = [IPAddress.Loopback, IPAddress.IPv6Loopback];
    public bool IsUnix => Kind is TargetKind.UnixPath or TargetKind.UnixAbstract;

    /// <summary>The addresses to try, in this order; empty for a UNIX socket.</summary>
    public ValueList<IPAddress> Addresses => Kind switch
    {
        TargetKind.Address => [Literal!.Address],
        TargetKind.Localhost => s_localhost,
        _ => [],
    };

    /// <summary>Whether it is never reached by a network.</summary>
    public bool IsLoopback => Kind == TargetKind.Localhost || (Literal is { } literal && IPAddress.IsLoopback(literal.Address));

    /// <summary>Whether it has an address of a family.</summary>
    public bool Has(bool ipv4) =>
        Kind == TargetKind.Localhost || (Literal is { } literal && literal.Address.AddressFamily == AddressFamily.InterNetwork == ipv4);

    public override string ToString() => Text;

    /// <summary>The port of the listener at <paramref name="offset"/> in its range (<see cref="ListenSocket.Offset"/>).</summary>
    public int PortAt(int offset)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)offset, (uint)Ports.Count);
        return Ports.First + offset;
    }

    /// <summary>As the operator would write the one target that belongs to the listener at <paramref name="offset"/>.</summary>
    public string TextAt(int offset) =>
        Ports.Count == 1 ? Text : string.Create(CultureInfo.InvariantCulture, $"{Text[..(Text.LastIndexOf(':') + 1)]}{PortAt(offset)}");

    public static bool TryParse(string text, out TargetEndpoint value, out string fault)
    {
        value = null!;
        if (text.StartsWith("unix:", StringComparison.OrdinalIgnoreCase))
            return TryParseUnix(text, out value, out fault);
        if (PortRange.LooksLike(text))
        {
            string wrong = PortRange.TryParse(text, out _, out fault)
                ? $"a bare port does not say which address; write 127.0.0.1:{text} or localhost:{text}"
                : $"{fault}; {Forms}";
            return Refuse.With(wrong, out fault);
        }
        if (!HostAndPorts.TryParse(text, Forms, out string host, out PortRange ports, out fault))
            return false;
        AddressLiteral? literal = null;
        bool isLocalhost = host.Equals("localhost", StringComparison.OrdinalIgnoreCase);
        if (!isLocalhost)
        {
            fault = host == "*" ? NotEvery
                : !AddressLiteral.TryParse(host, out literal)
                    ? $"'{host}' is not an IP address, and names are not looked up: the question would leak out of the namespace; {Forms}"
                : literal.IsWildcard ? NotEvery
                : IsMulticast(literal.Address) ? "a multicast or broadcast address cannot be a target"
                : literal.LacksInterface ? $"a link-local address belongs to an interface; name it, as in [{literal}%eth0]:{ports}"
                : "";
        }
        value = new TargetEndpoint(text, isLocalhost ? TargetKind.Localhost : TargetKind.Address, literal, ports, null);
        return fault.Length == 0;
    }

    private static bool TryParseUnix(string text, out TargetEndpoint value, out string fault)
    {
        string name = text["unix:".Length..];
        bool isAbstract = name.StartsWith('@');
        if (isAbstract)
            name = name[1..];
        bool isMisshapen = isAbstract ? name.Length == 0 : name.Length < 2 || name[0] != '/' || name[^1] == '/';
        int length = Encoding.UTF8.GetByteCount(name);
        fault = isMisshapen ? "a UNIX target is unix:/absolute/path or unix:@name"
            : name.Contains('\0', StringComparison.Ordinal) ? "a socket's name cannot hold a zero byte"
            : length > LongestUnixName ? $"a socket's name is at most {LongestUnixName} bytes; this is {length}"
            : "";
        value = new TargetEndpoint(text, isAbstract ? TargetKind.UnixAbstract : TargetKind.UnixPath, null, default, name);
        return fault.Length == 0;
    }

    private static bool IsMulticast(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6
        ? address.IsIPv6Multicast
        : address.GetAddressBytes()[0] >= 224;
}
