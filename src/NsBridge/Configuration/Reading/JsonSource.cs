using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using NsBridge.Configuration.Options;

namespace NsBridge.Configuration.Reading;

/// <summary>
/// Reads the file's JSON into key nodes. The framework's own provider stops at the first fault and forgets what was a list and
/// what a value; here every fault is kept with its path. Comments and trailing commas are allowed, as there.
/// </summary>
internal sealed class JsonSource(string file, KeyNode root, Dictionary<string, string?> foreign, List<ConfigurationFault> faults)
{
    private const int LongestExcerpt = 60;

    private static readonly JsonDocumentOptions s_options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public void Read(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Span.StartsWith(Encoding.UTF8.Preamble))
            bytes = bytes[Encoding.UTF8.Preamble.Length..];
        if (bytes.Span.IndexOfAnyExcept(" \t\r\n\0"u8) < 0)
        {
            faults.Add(new ConfigurationFault(file, null, "the file is empty; it needs at least { \"NsBridge\": { \"Bridges\": [] } }"));
            return;
        }

        // Checked first: the reader itself looks into a string only when it is asked for, and throws then.
        if (!Utf8.IsValid(bytes.Span))
        {
            faults.Add(new ConfigurationFault(file, null, "the file is not UTF-8 text; save it as UTF-8"));
            return;
        }

        try
        {
            using var document = JsonDocument.Parse(bytes, s_options);
            Walk(document.RootElement, root);
        }
        catch (JsonException exception)
        {
            faults.Add(new ConfigurationFault(file, null, Describe(exception, bytes.Span)));
        }
        catch (InvalidOperationException)
        {
            faults.Add(new ConfigurationFault(file, null, "a \\u escape in this file is half a character (a lone surrogate); write the character itself"));
        }
    }

    private void Walk(JsonElement element, KeyNode node)
    {
        switch (node.Key.Kind)
        {
            case KeyKind.Section:
                WalkSection(element, node);
                break;
            case KeyKind.SectionList when element.ValueKind == JsonValueKind.Array:
            case KeyKind.ValueOrList when element.ValueKind == JsonValueKind.Array:
                WalkList(element, node);
                break;
            case KeyKind.SectionList:
                Fault(node, element, "a list in brackets is expected here: [ { … }, { … } ]");
                break;
            case KeyKind.Value:
            case KeyKind.ValueOrList:
                WalkValue(element, node);
                break;
            default:
                Flatten(element, node.Path);
                break;
        }
    }

    private void WalkSection(JsonElement element, KeyNode node)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            Fault(node, element, "keys in braces are expected here: { \"Key\": … }");
            return;
        }

        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (node.Key.Find(property.Name) is not { } key)
            {
                faults.Add(node.UnknownKey(property.Name, IsValue(property.Value) ? TextOf(property.Value) : null, null));
                continue;
            }
            KeyNode below = node.Child(key);
            if (seen.Add(key.Name))
                Walk(property.Value, below);
            else
                Fault(below, property.Value, "the key is given twice (upper and lower case are the same); keep one");
        }
    }

    private void WalkList(JsonElement element, KeyNode node)
    {
        int index = 0;
        foreach (JsonElement item in element.EnumerateArray())
            Walk(item, node.Item(index++));
        if (index == 0 && node.Key.Kind == KeyKind.ValueOrList)
            Fault(node, element, "an empty list; give an entry, or leave the key out");
    }

    private void WalkValue(JsonElement element, KeyNode node)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                node.Set(element.GetString()!, null);
                break;
            case JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False:
                node.Set(element.GetRawText(), null);
                break;
            case JsonValueKind.Null:
                Fault(node, element, $"null is no value; {node.Key.InsteadOfNull}");
                break;
            default:
                string kinds = node.Key.Kind == KeyKind.ValueOrList ? "one value or a list of values" : "one value";
                Fault(node, element, $"{kinds} is expected here");
                break;
        }
    }

    /// <summary>Keeps what belongs to the framework as the framework would read it.</summary>
    private void Flatten(JsonElement element, string path)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                    Flatten(property.Value, $"{path}:{property.Name}");
                break;
            case JsonValueKind.Array:
                int index = 0;
                foreach (JsonElement item in element.EnumerateArray())
                    Flatten(item, $"{path}:{index++}");
                break;
            default:
                foreign[path] = element.ValueKind == JsonValueKind.Null ? null : element.ToString();
                break;
        }
    }

    private static bool IsValue(JsonElement element) => element.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array);

    private static string TextOf(JsonElement element) =>
        element.ValueKind == JsonValueKind.String ? element.GetString()! : element.GetRawText();

    private void Fault(KeyNode node, JsonElement element, string message)
    {
        node.Broken = true;
        faults.Add(new ConfigurationFault(node.Path.Length == 0 ? file : node.Path, TextOf(element), message));
    }

    /// <summary>Says where a file stops being JSON. The reader's own message is not used: the executable carries no resource texts.</summary>
    private static string Describe(JsonException exception, ReadOnlySpan<byte> bytes)
    {
        int line = (int)(exception.LineNumber ?? 0);
        int column = (int)(exception.BytePositionInLine ?? 0);
        string place = string.Create(CultureInfo.InvariantCulture, $"not valid JSON at line {line + 1}, column {column + 1}");
        string text = Line(bytes, line);
        return text.Length == 0 ? $"{place}: the file ends too early or a bracket, brace or comma is missing" : $"{place}, in: {text}";
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

    /// <summary>Reads the <c>RuntimeDirectory</c> of a file that is not JSON as a whole; null if the break comes first, or none is written.</summary>
    public static string? DirectoryBeforeBreak(ReadOnlySpan<byte> bytes)
    {
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        string? section = null, key = null;
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
                    section = reader.GetString();
                else if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 2)
                    key = reader.GetString();
                else if (reader.TokenType == JsonTokenType.String && reader.CurrentDepth == 2
                    && KeyTable.Section.Equals(section, StringComparison.OrdinalIgnoreCase)
                    && DaemonKeys.RuntimeDirectory.Name.Equals(key, StringComparison.OrdinalIgnoreCase))
                    return reader.GetString();
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The break.
        }
        return null;
    }
}
