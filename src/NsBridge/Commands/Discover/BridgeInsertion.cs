using System.Text;
using System.Text.Json;
using NsBridge.Base;

namespace NsBridge.Commands.Discover;

/// <summary>Puts bridge entries into the text of a configuration file. Comments, order and layout of the rest stay.</summary>
internal static class BridgeInsertion
{
    private static readonly JsonReaderOptions s_options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <param name="file">The file's bytes, UTF-8.</param>
    /// <param name="entries">One JSON object each, on one line.</param>
    /// <exception cref="UserErrorException">The file is not JSON, or its section is not an object with a list.</exception>
    public static byte[] Insert(ReadOnlySpan<byte> file, IReadOnlyList<string> entries)
    {
        int mark = file.StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        try
        {
            (int place, string? text) = Find(file[mark..], entries);
            byte[] result = [.. file[..(mark + place)], .. Encoding.UTF8.GetBytes(text), .. file[(mark + place)..]];
            return result;
        }
        catch (JsonException exception)
        {
            throw new UserErrorException($"the configuration is not JSON (line {exception.LineNumber + 1}); 'nsbridge check' tells more", ExitCode.Configuration);
        }
    }

    /// <summary>Where to insert what.</summary>
    private static (int Place, string Text) Find(ReadOnlySpan<byte> json, IReadOnlyList<string> entries)
    {
        var reader = new Utf8JsonReader(json, s_options);
        Enter(ref reader, JsonTokenType.StartObject, "the file must hold { … }");
        int place = (int)reader.BytesConsumed;
        if (!TryFindKey(ref reader, "NsBridge", out bool empty))
            return (place, $"\n  \"NsBridge\": {{\n    \"Bridges\": {List(entries, "      ", "    ")}\n  }}{(empty ? "\n" : ",")}");
        Enter(ref reader, JsonTokenType.StartObject, "NsBridge must be { … }");
        place = (int)reader.BytesConsumed;
        if (!TryFindKey(ref reader, "Bridges", out empty))
            return (place, $"\n    \"Bridges\": {List(entries, "      ", "    ")}{(empty ? "\n  " : ",")}");
        Enter(ref reader, JsonTokenType.StartArray, "NsBridge:Bridges must be [ … ]");
        place = (int)reader.BytesConsumed;
        string indent = "      ";
        int count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            indent = IndentBefore(json, (int)reader.TokenStartIndex) ?? indent;
            reader.Skip();
            place = (int)reader.BytesConsumed;
            count++;
        }

        // Behind the last entry's brace, before whatever follows it: a trailing comma then separates nothing, which is allowed.
        string lines = string.Concat(entries.Select((entry, i) => $"{(count + i > 0 ? "," : "")}\n{indent}{entry}"));
        bool closesOnItsOwnLine = json[place..(int)reader.TokenStartIndex].Contains((byte)'\n');
        return (place, closesOnItsOwnLine ? lines : lines + "\n    ");
    }

    private static string List(IReadOnlyList<string> entries, string indent, string closingIndent) =>
        $"[\n{string.Join(",\n", entries.Select(entry => indent + entry))}\n{closingIndent}]";

    private static void Enter(ref Utf8JsonReader reader, JsonTokenType expected, string fault)
    {
        if (!reader.Read() || reader.TokenType != expected)
            throw new UserErrorException($"cannot add bridges: {fault}", ExitCode.Configuration);
    }

    /// <summary>Reads up to the key of the object entered, in any case, as the configuration is read.</summary>
    private static bool TryFindKey(ref Utf8JsonReader reader, string key, out bool empty)
    {
        empty = true;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            empty = false;
            if (string.Equals(reader.GetString(), key, StringComparison.OrdinalIgnoreCase))
                return true;
            reader.Read();
            reader.Skip();
        }

        return false;
    }

    /// <summary>The blanks that begin the line of a token; null where something else stands before it.</summary>
    private static string? IndentBefore(ReadOnlySpan<byte> json, int token)
    {
        int start = json[..token].LastIndexOf((byte)'\n') + 1;
        ReadOnlySpan<byte> blanks = json[start..token];
        return blanks.IndexOfAnyExcept((byte)' ', (byte)'\t') < 0 ? Encoding.ASCII.GetString(blanks) : null;
    }
}
