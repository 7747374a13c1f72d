using System.Buffers;

namespace NsBridge.Base;

/// <summary>Replaces what could move the cursor, forge a line or turn text around: control characters, and Unicode's line separators and
/// bidirectional controls. Every line for a terminal or a log passes here, because names, paths and answers come from elsewhere.</summary>
internal static class PlainText
{
    private const char Replacement = '\ufffd';
    private static readonly char[] s_unsafe = [.. Enumerable.Range(0, 0x2070).Select(code => (char)code).Where(IsUnsafe)];
    private static readonly SearchValues<char> s_unsafeInLines = SearchValues.Create(s_unsafe);
    private static readonly SearchValues<char> s_unsafeInLine = SearchValues.Create([.. s_unsafe, '\n']);

    /// <summary>Text of several lines: line feeds and tabulators stay.</summary>
    public static string Lines(string text) => Replaced(text, s_unsafeInLines);

    /// <summary>Text that belongs on one line, such as a name.</summary>
    public static string Line(string text) => Replaced(text, s_unsafeInLine);

    private static string Replaced(string text, SearchValues<char> characters) => text.AsSpan().IndexOfAny(characters) < 0
        ? text
        : string.Create(
            text.Length, (text, characters), static (target, from) => from.text.AsSpan().ReplaceAny(target, from.characters, Replacement));

    private static bool IsUnsafe(char c) => (char.IsControl(c) && c is not ('\n' or '\t'))
        || c is '\u061c' or '\u200e' or '\u200f' or (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
