namespace NsBridge.Configuration.Values;

/// <summary>Consecutive ports, both ends included.</summary>
internal readonly record struct PortRange(int First, int Last)
{
    /// <summary>What is told of a port that cannot be one.</summary>
    public const string Wrong = "the port must be 1-65535";

    public int Count => Last - First + 1;

    public bool Contains(int port) => port >= First && port <= Last;

    public bool Overlaps(PortRange other) => First <= other.Last && other.First <= Last;

    public override string ToString() => First == Last ? $"{First}" : $"{First}-{Last}";

    /// <summary>Whether the text is made of digits and dashes only, and so cannot be anything but ports.</summary>
    public static bool LooksLike(string text)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiDigit(c) && c != '-')
                return false;
        }

        return text.Length > 0;
    }

    /// <summary>Reads <c>PORT</c> or <c>FIRST-LAST</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PortRange value, out string fault)
    {
        value = default;
        if (text.StartsWith('-'))
        {
            fault = Wrong;
            return false;
        }

        int dash = text.IndexOf('-');
        ReadOnlySpan<char> firstText = dash < 0 ? text : text[..dash];
        if (!TryParsePort(firstText, out int first, out fault))
            return false;
        int last = first;
        if (dash >= 0 && !TryParsePort(text[(dash + 1)..], out last, out fault))
            return false;
        if (last < first)
        {
            fault = $"the range runs backwards; write {last}-{first}";
            return false;
        }

        value = new PortRange(first, last);
        return true;
    }

    private static bool TryParsePort(ReadOnlySpan<char> text, out int port, out string fault)
    {
        port = 0;
        fault = "";
        bool digits = text.Length is > 0 && !text.ContainsAnyExceptInRange('0', '9');
        if (digits && text.Length <= 5 && int.TryParse(text, out port) && port is >= 1 and <= 65535)
            return true;
        fault = text.IsEmpty ? "the port is missing" : Wrong;
        return false;
    }
}
