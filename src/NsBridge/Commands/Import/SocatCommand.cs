using NsBridge.Base;

namespace NsBridge.Commands.Import;

/// <summary>One address of a socat command, such as <c>TCP-LISTEN:3003,fork,bind=127.0.0.1</c>. The keyword is in its long form:
/// <c>TCP-LISTEN</c>, <c>TCP</c>, <c>UNIX</c>; <c>STDIO</c> for <c>-</c>.</summary>
internal sealed record SocatAddress(string Keyword, string Rest, IReadOnlyList<(string Name, string Value)> Options)
{
    public bool IsUdp => Keyword.StartsWith("UDP", StringComparison.Ordinal);

    public string? this[string option] => Options.LastOrDefault(one => one.Name == option).Value;

    public static SocatAddress Parse(string text)
    {
        string[] parts = text.Replace("\\", "", StringComparison.Ordinal).Split(',');
        string[] head = parts[0] is ['/', ..] ? ["UNIX", parts[0]] : [.. parts[0].Split(':', 2), ""];
        string keyword = head[0].ToUpperInvariant();
        return new SocatAddress(
            keyword == "-" ? "STDIO"
                : keyword.EndsWith("-L", StringComparison.Ordinal) ? $"{keyword}ISTEN"
                : keyword.Replace("-CONNECT", "", StringComparison.Ordinal).Replace("-CLIENT", "", StringComparison.Ordinal),
            head[1],
            [.. parts.Skip(1).Select(option => $"{option}=".Split('=')).Select(pair => (pair[0].ToLowerInvariant(), pair[1]))]);
    }
}

/// <summary>One socat: it leads the clients of its first address to the second. The flags are those beyond logging and buffers.</summary>
internal sealed record SocatCommand(string Origin, NetworkPlace Place, IReadOnlyList<string> Flags, SocatAddress From, SocatAddress To)
{
    /// <exception cref="UserErrorException">There are not two addresses.</exception>
    public static SocatCommand Parse(FoundCommand found)
    {
        var flags = new List<string>();
        int at = 0;
        for (; at < found.Arguments.Count && found.Arguments[at] is ['-', _, ..] flag; at++)
        {
            // These take a value, attached or as the next word.
            if (flag is "-T" or "-t" or "-b" or "-L" or "-W" or "-lf" or "-lp" or "-r" or "-R" or "-S" && at + 1 < found.Arguments.Count)
                flag = $"{flag} {found.Arguments[++at]}";
            if (flag[1] is not ('d' or 'D' or 'l' or 'b'))
                flags.Add(flag);
        }
        return found.Arguments[at..] is [var from, var to]
            ? new SocatCommand(found.Origin, found.Place, flags, SocatAddress.Parse(from), SocatAddress.Parse(to))
            : throw BridgeMaker.Refused(found.Origin, "socat takes two addresses; quote the whole command line");
    }
}
