using System.Globalization;

namespace NsBridge.Configuration.Values;

/// <summary>Splits <c>HOST:PORTS</c> and <c>[V6]:PORTS</c>; what HOST may be is up to the caller.</summary>
internal static class HostAndPorts
{
    public static bool TryParse(string text, string forms, out string host, out PortRange ports, out string fault)
    {
        (host, ports) = ("", default);
        if (text.Contains("://", StringComparison.Ordinal))
            return Refuse.With($"this is a URL, of which an address and a port are wanted; {forms}", out fault);
        bool isBracketed = text.StartsWith('[');
        int end = isBracketed ? text.IndexOf("]:", StringComparison.Ordinal) : text.LastIndexOf(':');
        if (end < 0)
        {
            string missing = !isBracketed ? WithoutColon(text) : text.EndsWith(']') ? "the port is missing" : "']:' is missing";
            return Refuse.With($"{missing}; {forms}", out fault);
        }
        host = isBracketed ? text[1..end] : text[..end];
        bool hasColon = host.Contains(':', StringComparison.Ordinal);
        if (isBracketed && !hasColon)
            return Refuse.With($"brackets are for IPv6 addresses; {forms}", out fault);
        if (!isBracketed && hasColon)
        {
            return Refuse.With(
                LooksLikeIPv6(host)
                    ? "an IPv6 address goes in brackets: [ADDR]:PORT"
                    : $"'{host[..(host.IndexOf(':') + 1)]}' does not belong here; {forms}",
                out fault);
        }
        return host.Length == 0
            ? Refuse.With($"the address before ':' is missing; {forms}", out fault)
            : PortRange.TryParse(text.AsSpan(end + (isBracketed ? 2 : 1)), out ports, out fault);
    }

    /// <summary>Whether an IPv6 address may be meant, rightly written or not; any name may stand behind <c>%</c>.</summary>
    private static bool LooksLikeIPv6(string host) => host.Split('%')[0].All(c => char.IsAsciiHexDigit(c) || c is ':' or '.');

    private static string WithoutColon(string text) => text.Length == 0 ? "it is empty"
        // A fraction, as in 3.5; an address has more dots.
        : decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _) ? PortRange.Wrong : "the port is missing";
}
