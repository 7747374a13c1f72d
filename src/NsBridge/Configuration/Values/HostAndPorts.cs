using System.Globalization;

namespace NsBridge.Configuration.Values;

/// <summary>Splits <c>HOST:PORTS</c> and <c>[V6]:PORTS</c>; what HOST may be is the caller's matter.</summary>
internal static class HostAndPorts
{
    public static bool TryParse(string text, string forms, out string host, out PortRange ports, out string fault)
    {
        host = "";
        ports = default;
        string portText;
        if (text.Contains("://", StringComparison.Ordinal))
        {
            fault = $"this is a URL, of which an address and a port are wanted; {forms}";
            return false;
        }

        if (text.StartsWith('['))
        {
            int close = text.IndexOf("]:", StringComparison.Ordinal);
            if (close < 0)
            {
                fault = text.EndsWith(']') ? $"the port is missing; {forms}" : $"']:' is missing; {forms}";
                return false;
            }

            host = text[1..close];
            portText = text[(close + 2)..];
            if (!host.Contains(':', StringComparison.Ordinal))
            {
                fault = $"brackets are for IPv6 addresses; {forms}";
                return false;
            }
        }
        else
        {
            int colon = text.LastIndexOf(':');
            if (colon < 0)
            {
                fault = $"{WithoutColon(text)}; {forms}";
                return false;
            }

            host = text[..colon];
            portText = text[(colon + 1)..];
            if (host.Contains(':', StringComparison.Ordinal))
            {
                fault = LooksLikeIPv6(host) ? "an IPv6 address goes in brackets: [ADDR]:PORT" : $"'{host[..(host.IndexOf(':') + 1)]}' does not belong here; {forms}";
                return false;
            }

            if (host.Length == 0)
            {
                fault = $"the address before ':' is missing; {forms}";
                return false;
            }
        }

        return PortRange.TryParse(portText, out ports, out fault);
    }

    /// <summary>Whether someone may have meant one, rightly written or not; what stands behind <c>%</c> is any name.</summary>
    private static bool LooksLikeIPv6(string host) => host.Split('%')[0].All(c => char.IsAsciiHexDigit(c) || c is ':' or '.');

    private static string WithoutColon(string text) => text.Length == 0 ? "it is empty"
        // A fraction, as in 3.5; an address has more dots.
        : decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _) ? PortRange.Wrong : "the port is missing";
}
