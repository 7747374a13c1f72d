using System.Globalization;
using System.Net;
using NsBridge.Base;
using NsBridge.Configuration.Values;

namespace NsBridge.Commands.Import;

/// <summary>What the options behind a socat address become in a bridge. Those that become nothing are told: whoever wrote one relies on it.</summary>
/// <param name="notes">Takes what is told, a line each.</param>
internal sealed class SocatOptions(List<string> notes)
{
    /// <summary>How socat does what every bridge does anyway.</summary>
    private static readonly HashSet<string> s_implied =
    [
        "fork", "nofork", "reuseaddr", "so-reuseaddr", "reuseport", "so-reuseport", "unlink", "unlink-early", "unlink-close", "keepalive", "so-keepalive",
        "nodelay", "tcp-nodelay", "cloexec", "pipes", "stderr", "setsid", "netns",
    ];

    /// <summary>Says which options of the address are left out.</summary>
    /// <param name="address">Whose options they are.</param>
    /// <param name="translated">Those that stand in the entry.</param>
    public void TellRest(SocatAddress address, params ReadOnlySpan<string> translated)
    {
        foreach ((string? name, string? value) in address.Options)
        {
            if (!s_implied.Contains(name) && !translated.Contains(name))
                Tell(address.Keyword, value.Length > 0 ? $"{name}={value}" : name);
        }
    }

    /// <summary>Says which options in front of the addresses are left out.</summary>
    public void TellRest(SocatFlags flags)
    {
        foreach (string flag in flags.Rest)
            Tell("socat", flag);
    }

    /// <summary><c>AllowFrom</c> of <c>range=</c>, which is a CIDR, or an address and a mask; null where there is none.</summary>
    public static string? AllowFrom(SocatAddress address)
    {
        if (!address.Options.TryGetValue("range", out string? range))
            return null;
        // The colon of A:MASK, not one of an IPv6 address, which stands in brackets.
        int colon = range.LastIndexOf(':');
        int slash = range.IndexOf('/', StringComparison.Ordinal);
        int end = slash >= 0 ? slash : colon > range.LastIndexOf(']') ? colon : -1;
        if (end < 0)
            return range.Trim('[', ']');
        if (IPAddress.TryParse(range[..end].Trim('[', ']'), out IPAddress? network) && PrefixOf(range[(end + 1)..], isMask: slash < 0) is { } prefix
            && prefix <= network.GetAddressBytes().Length * 8)
        {
            // Socat looks at the bits before the prefix alone, and so the rest may be anything.
            return string.Create(CultureInfo.InvariantCulture, $"{NetworkText.Mask(network, prefix)}/{prefix}");
        }

        throw new UserErrorException($"{address.Keyword}: 'range={range}' is no network; write it as ADDRESS/BITS", ExitCode.Usage);
    }

    /// <summary><c>SocketMode</c> of <c>mode=</c> or <c>perm=</c>; null where there is neither.</summary>
    public static string? SocketMode(SocatAddress address) =>
        (address.Options.GetValueOrDefault("mode") ?? address.Options.GetValueOrDefault("perm"))?.TrimStart('0').PadLeft(4, '0');

    /// <summary><c>SocketGroup</c> of <c>group=</c>; null where there is none.</summary>
    public static string? SocketGroup(SocatAddress address) => address.Options.GetValueOrDefault("group") ?? address.Options.GetValueOrDefault("gid");

    /// <summary><c>MaxConnections</c> of <c>max-children=</c>; null where there is none.</summary>
    public static string? MaxConnections(SocatAddress address) => address.Options.GetValueOrDefault("max-children");

    /// <summary><c>ConnectTimeout</c> of <c>connect-timeout=</c>; null where there is none.</summary>
    public static string? ConnectTimeout(SocatAddress address) => address.Options.TryGetValue("connect-timeout", out string? seconds)
        ? Text(SocatFlags.Seconds($"connect-timeout={seconds}", seconds))
        : null;

    /// <summary>A duration as a configuration has it.</summary>
    public static string? Text(TimeSpan? duration) => duration?.ToString("c", CultureInfo.InvariantCulture);

    // Of a command that several others lead to once.
    private void Tell(string owner, string option)
    {
        string note = $"{owner}: '{option}' is left out, a bridge has no key for it";
        if (!notes.Contains(note))
            notes.Add(note);
    }

    private static int? PrefixOf(string text, bool isMask) => isMask
        ? IPAddress.TryParse(text.Trim('[', ']'), out IPAddress? mask) ? PrefixOf(mask) : null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int prefix) ? prefix : null;

    /// <returns>Null where the ones are not all in front.</returns>
    private static int? PrefixOf(IPAddress mask)
    {
        UInt128 bits = mask.GetAddressBytes().Aggregate(UInt128.Zero, (all, octet) => (all << 8) | octet) << (mask.GetAddressBytes().Length == 4 ? 96 : 0);
        int ones = (int)UInt128.LeadingZeroCount(~bits);
        return bits << ones == UInt128.Zero || ones == 128 ? ones : null;
    }
}
