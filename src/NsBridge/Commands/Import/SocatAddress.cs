using System.Text;

namespace NsBridge.Commands.Import;

/// <summary>One of the two addresses of a socat command: <c>TCP-LISTEN:3003,fork,bind=127.0.0.1</c>.</summary>
/// <param name="Keyword">Its kind in upper case, such as <c>TCP-LISTEN</c>; <c>STDIO</c> for <c>-</c>.</param>
/// <param name="Parameters">What stands behind it, between colons; one text for commands and paths.</param>
/// <param name="Options">By lower-case name; the value is empty for a bare one.</param>
internal sealed record SocatAddress(string Keyword, IReadOnlyList<string> Parameters, IReadOnlyDictionary<string, string> Options)
{
    public bool IsCommand => Keyword is "EXEC" or "SYSTEM" or "SHELL";

    public bool IsUdp => Keyword.StartsWith("UDP", StringComparison.Ordinal);

    /// <summary>Whether it awaits internet clients.</summary>
    public bool IsListener => (Keyword.StartsWith("TCP", StringComparison.Ordinal) || IsUdp)
        && (Keyword.EndsWith("-LISTEN", StringComparison.Ordinal) || Keyword.EndsWith("-L", StringComparison.Ordinal) || Keyword.EndsWith("-RECVFROM", StringComparison.Ordinal));

    /// <summary>Whether it connects to an internet address.</summary>
    public bool IsConnector => Keyword is "TCP" or "TCP4" or "TCP6" or "TCP-CONNECT" or "TCP4-CONNECT" or "TCP6-CONNECT"
        or "UDP" or "UDP4" or "UDP6" or "UDP-CONNECT" or "UDP4-CONNECT" or "UDP6-CONNECT" or "UDP-SENDTO" or "UDP4-SENDTO" or "UDP6-SENDTO";

    public bool IsUnixListener => Keyword is "UNIX-LISTEN" or "UNIX-L";

    public bool IsUnixConnector => Keyword is "UNIX" or "UNIX-CONNECT" or "UNIX-CLIENT";

    public bool IsAbstractConnector => Keyword is "ABSTRACT" or "ABSTRACT-CONNECT" or "ABSTRACT-CLIENT";

    public bool IsStandardInput => Keyword is "STDIO" or "STDIN" or "STDOUT";

    public static SocatAddress Parse(string text)
    {
        List<string> parts = SplitOutsideQuotes(text, ',');
        string head = parts[0];
        int colon = head.IndexOf(':', StringComparison.Ordinal);
        string keyword = (colon < 0 ? head : head[..colon]).ToUpperInvariant();
        if (keyword == "-")
            keyword = "STDIO";
        // A path alone is a file, or a socket where one is there.
        if (head.StartsWith('/') || head.StartsWith('.'))
            (keyword, colon) = ("UNIX", -2);
        string rest = colon == -1 ? "" : colon == -2 ? head : head[(colon + 1)..];
        bool whole = keyword is "EXEC" or "SYSTEM" or "SHELL" || keyword.StartsWith("UNIX", StringComparison.Ordinal) || keyword.StartsWith("ABSTRACT", StringComparison.Ordinal);
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string? option in parts.Skip(1))
        {
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            options[(equals < 0 ? option : option[..equals]).ToLowerInvariant()] = equals < 0 ? "" : Unquoted(option[(equals + 1)..]);
        }

        return new SocatAddress(keyword, whole ? [Unquoted(rest)] : SplitOutsideQuotes(rest, ':'), options);
    }

    /// <summary>Splits where neither quotes nor the brackets of an IPv6 address hold together.</summary>
    private static List<string> SplitOutsideQuotes(string text, char separator)
    {
        var parts = new List<string>();
        var part = new StringBuilder();
        char quote = '\0';
        int brackets = 0;
        foreach (char c in text)
        {
            if (quote != '\0')
                quote = c == quote ? '\0' : quote;
            else if (c is '\'' or '"')
                quote = c;
            else if (c is '[')
                brackets++;
            else if (c is ']')
                brackets--;
            if (c == separator && quote == '\0' && brackets <= 0)
            {
                parts.Add(part.ToString());
                part.Clear();
            }
            else
            {
                part.Append(c);
            }
        }

        parts.Add(part.ToString());
        return parts;
    }

    private static string Unquoted(string text) =>
        text.Length >= 2 && text[0] is '\'' or '"' && text[^1] == text[0] ? text[1..^1] : text.Replace("\\", "", StringComparison.Ordinal);
}
