using System.Text;
using System.Text.RegularExpressions;

namespace NsBridge.ArchitectureTests;

/// <summary>
/// The code of a C# text: comments, strings and characters become spaces, line breaks stay, and the code inside the holes of interpolated
/// strings stays as an expression in parentheses.
/// </summary>
internal sealed partial class CodeText
{
    private readonly string _text;
    private readonly StringBuilder _code = new();
    private int _at;

    private CodeText(string text) => _text = text;

    internal static string Of(string text)
    {
        var reader = new CodeText(text);
        while (reader._at < text.Length)
        {
            if (!reader.TryLiteral())
                reader._code.Append(text[reader._at++]);
        }
        return reader._code.ToString();
    }

    /// <summary>Blanks the comment, character or string that begins here; false if there is none.</summary>
    private bool TryLiteral()
    {
        if (IsAt("//"))
            Blank(Find("\n", _at));
        else if (IsAt("/*"))
            Blank(Find("*/", _at + 2) + 2);
        else if (Character().Match(_text, _at) is { Success: true } character)
            Blank(character.Index + character.Length);
        else if (Opening().Match(_text, _at) is { Success: true } opening)
            Quoted(opening.Groups[1].Value, opening.Groups[2]);
        else
            return false;
        return true;
    }

    private void Quoted(string prefix, Group quotes)
    {
        bool isVerbatim = prefix.Contains('@', StringComparison.Ordinal);
        bool isRaw = !isVerbatim && quotes.Length >= 3;
        string closing = isRaw ? quotes.Value : "\"";
        string hole = new('{', prefix.Count(c => c == '$'));
        Blank(quotes.Index + closing.Length);
        while (_at < _text.Length)
        {
            if ((isVerbatim && IsAt("\"\"")) || (!isVerbatim && !isRaw && IsAt("\\")) || (hole == "{" && !isRaw && IsAt("{{")))
                Blank(_at + 2);
            else if (IsAt(closing))
            {
                Blank(_at + closing.Length);
                return;
            }
            else if (hole.Length > 0 && IsAt(hole))
                Hole(hole.Length);
            else
                Blank(_at + 1);
        }
    }

    private void Hole(int braces)
    {
        Blank(_at + braces);
        _code.Append('(');
        for (int depth = 0; _at < _text.Length;)
        {
            if (TryLiteral())
                continue;
            char c = _text[_at];
            if (c == '}' && depth == 0)
            {
                _code.Append(')');
                Blank(_at + braces);
                return;
            }
            if (c == ':' && depth == 0 && !IsAt("::") && _text[_at - 1] != ':')
            {
                Blank(Find("}", _at));
                continue;
            }
            depth += c is '(' or '[' or '{' ? 1 : c is ')' or ']' or '}' ? -1 : 0;
            _code.Append(c);
            _at++;
        }
    }

    private bool IsAt(string part) => string.CompareOrdinal(_text, _at, part, 0, part.Length) == 0;

    private int Find(string part, int from)
    {
        int found = from < _text.Length ? _text.IndexOf(part, from, StringComparison.Ordinal) : -1;
        return found < 0 ? _text.Length : found;
    }

    private void Blank(int end)
    {
        for (; _at < Math.Min(end, _text.Length); _at++)
            _code.Append(_text[_at] == '\n' ? '\n' : ' ');
    }

    [GeneratedRegex(@"\G'(\\.[^']*|[^'\\])'")]
    private static partial Regex Character();

    [GeneratedRegex(@"\G(\$*@?\$*)(""+)")]
    private static partial Regex Opening();
}
