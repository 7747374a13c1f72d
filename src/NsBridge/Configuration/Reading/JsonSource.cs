using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using NsBridge.Configuration.Options;

namespace NsBridge.Configuration.Reading;

/// <summary>Reads the file's JSON into key nodes. The framework's own provider stops at the first fault and forgets what was a list and
/// what a value; here every fault is kept with its path. Comments and trailing commas are allowed, as there.</summary>
internal sealed class JsonSource(string file, KeyNode root, Dictionary<string, string?> foreign, List<ConfigurationFault> faults)
{
    /// <summary>In characters, on each side of the place of a fault.</summary>
    private const int LongestExcerpt = 60;

    /// <summary>The configuration file, if this is one of conf.d, which gives bridges alone.</summary>
    public string? Configuration { get; init; }

    private static readonly JsonDocumentOptions s_options =
        new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public void Read(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Span.StartsWith(Encoding.UTF8.Preamble))
            bytes = bytes[Encoding.UTF8.Preamble.Length..];
        // UTF-8 is checked first: the reader examines a string only when it is asked for, and throws then.
        string? wrong = bytes.Span.IndexOfAnyExcept(" \t\r\n\0"u8) < 0
            ? "the file is empty; it needs at least { \"NsBridge\": { \"Bridges\": [] } }"
            : !Utf8.IsValid(bytes.Span) ? "the file is not UTF-8 text; save it as UTF-8" : null;
        if (wrong is not null)
        {
            faults.Add(new ConfigurationFault(file, null, wrong));
            return;
        }
        try
        {
            using var document = JsonDocument.Parse(bytes, s_options);
            Walk(document.RootElement, root);
        }
        catch (JsonException exception)
        {
            faults.Add(FaultAt((int)(exception.LineNumber ?? 0), (int)(exception.BytePositionInLine ?? 0), bytes.Span));
        }
        catch (InvalidOperationException)
        {
            const string HalfCharacter = "a \\u escape in this file is half a character (a lone surrogate); write the character itself";
            faults.Add(new ConfigurationFault(file, null, HalfCharacter));
        }
    }

    private void Walk(JsonElement element, KeyNode node)
    {
        bool isArray = element.ValueKind == JsonValueKind.Array;
        if (node.Key.Kind == KeyKind.Section)
            WalkSection(element, node);
        else if (node.Key.Kind == KeyKind.Foreign)
            Flatten(element, node.Path);
        else if (isArray && node.Key.Entry is not null)
            WalkList(element, node);
        else if (node.Key.Kind == KeyKind.SectionList)
            Fault(node, element, "a list in brackets is expected here: [ { … }, { … } ]");
        else if (element.ValueKind == JsonValueKind.Null)
            Fault(node, element, $"null is no value; {node.Key.InsteadOfNull}");
        else if (IsValue(element))
            node.Set(TextOf(element), null);
        else
            Fault(node, element, $"one value{(node.Key.Kind == KeyKind.ValueOrList ? " or a list of values" : "")} is expected here");
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
            if (Configuration is not null && IsMisplaced(node, key))
            {
                string right = $"this belongs into {Configuration}; files in conf.d give NsBridge:Bridges alone";
                faults.Add(node.Child(key).Fault(right));
                continue;
            }
            KeyNode below = node.Child(key);
            if (seen.Add(key.Name))
                Walk(property.Value, below);
            else
                Fault(below, property.Value, "the key is given twice (upper and lower case are the same); keep one");
        }
    }

    private static bool IsMisplaced(KeyNode node, Key key) => node.Path.Length == 0
        ? key.Name is not (KeyTable.Section or KeyTable.Schema)
        : node.Path == KeyTable.Section && key.Name != KeyTable.Bridges;

    private void WalkList(JsonElement element, KeyNode node)
    {
        int index = 0;
        foreach (JsonElement item in element.EnumerateArray())
            Walk(item, node.Item(index++));
        if (index == 0 && node.Key.Kind == KeyKind.ValueOrList)
            Fault(node, element, "an empty list; give an entry, or leave the key out");
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

    /// <summary>Where the file stops being JSON. The reader's own message is not used: the executable carries no resource texts.</summary>
    private ConfigurationFault FaultAt(int line, int column, ReadOnlySpan<byte> bytes)
    {
        string place = string.Create(CultureInfo.InvariantCulture, $"not valid JSON at line {line + 1}, column {column + 1}");
        for (; line > 0 && !bytes.IsEmpty; line--)
            bytes = bytes[(bytes.IndexOf((byte)'\n') is >= 0 and int end ? end + 1 : bytes.Length)..];
        int newline = bytes.IndexOf((byte)'\n');
        ReadOnlySpan<byte> text = newline < 0 ? bytes : bytes[..newline];
        if (text.Trim(" \t\r"u8).IsEmpty)
            return new ConfigurationFault(file, null, $"{place}: the file ends too early or a bracket, brace or comma is missing");
        column = Math.Min(column, text.Length);
        string before = Encoding.UTF8.GetString(text[..column]);
        string after = Encoding.UTF8.GetString(text[column..]).TrimEnd();
        before = before.Length > LongestExcerpt ? $"…{before.AsSpan(before.Length - LongestExcerpt)}" : before;
        after = after.Length > LongestExcerpt ? $"{after.AsSpan(0, LongestExcerpt)}…" : after;
        return new ConfigurationFault(file, null, $"{place}; a bracket, brace or comma may be missing before the mark")
        {
            Excerpt = (before + after, new string(' ', before.Length) + '^'),
        };
    }

    /// <summary>The <c>RuntimeDirectory</c> of a file that is not JSON as a whole; null if the break or nothing comes first.</summary>
    public static string? DirectoryBeforeBreak(ReadOnlySpan<byte> bytes)
    {
        var options = new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
        var reader = new Utf8JsonReader(bytes, options);
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
