using System.Globalization;

namespace NsBridge.Configuration.Values;

/// <summary>Consecutive ports, both ends included.</summary>
internal readonly record struct PortRange(int First, int Last)
{
    /// <summary>The fault of a number that cannot be a port.</summary>
    public const string Wrong = "the port must be 1-65535";
    public int Count => Last - First + 1;
    public bool Contains(int port) => port >= First && port <= Last;
    public bool Overlaps(PortRange other) => First <= other.Last && other.First <= Last;
    public override string ToString() => First == Last ? $"{First}" : $"{First}-{Last}";
    /// <summary>Whether the text has only digits and dashes, and so cannot be anything but ports.</summary>
    public static bool LooksLike(string text) => text.Length > 0 && text.All(c => char.IsAsciiDigit(c) || c == '-');

    /// <summary>Parses <c>PORT</c> or <c>FIRST-LAST</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PortRange value, out string fault)
    {
        value = default;
        int dash = text.IndexOf('-');
        if (dash == 0)
            return Refuse.With(Wrong, out fault);
        if (!TryParsePort(dash < 0 ? text : text[..dash], out int first, out fault))
            return false;
        int last = first;
        if (dash > 0 && !TryParsePort(text[(dash + 1)..], out last, out fault))
            return false;
        value = new PortRange(first, last);
        return last >= first || Refuse.With($"the range runs backwards; write {last}-{first}", out fault);
    }

    private static bool TryParsePort(ReadOnlySpan<char> text, out int port, out string fault)
    {
        fault = "";
        bool isPort = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port)
            && text.Length <= 5 && port is >= 1 and <= 65535;
        return isPort || Refuse.With(text.IsEmpty ? "the port is missing" : Wrong, out fault);
    }
}
