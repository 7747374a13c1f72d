using System.Globalization;
using System.Text;
using System.Text.Json;

namespace NsBridge.Configuration.Reading;

/// <summary>Says where a file stops being JSON. The reader's own message is not used: the executable carries no resource texts.</summary>
internal static class JsonFaultText
{
    private const int LongestExcerpt = 60;

    public static string Describe(JsonException exception, ReadOnlySpan<byte> bytes)
    {
        int line = (int)(exception.LineNumber ?? 0);
        int column = (int)(exception.BytePositionInLine ?? 0);
        string place = string.Create(CultureInfo.InvariantCulture, $"not valid JSON at line {line + 1}, column {column + 1}");
        string text = Line(bytes, line);
        if (text.Length == 0)
            return $"{place}: the file ends too early or a bracket, brace or comma is missing";
        return $"{place}, in: {text}";
    }

    private static string Line(ReadOnlySpan<byte> bytes, int number)
    {
        for (; number > 0; number--)
        {
            int end = bytes.IndexOf((byte)'\n');
            if (end < 0)
                return "";
            bytes = bytes[(end + 1)..];
        }

        int newline = bytes.IndexOf((byte)'\n');
        string text = Encoding.UTF8.GetString(newline < 0 ? bytes : bytes[..newline]).Trim();
        return text.Length <= LongestExcerpt ? text : $"{text.AsSpan(0, LongestExcerpt)}…";
    }
}
