using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace NsBridge.Configuration.Options;

/// <summary>Writes the JSON schema of the configuration, for editors that complete and check it.</summary>
internal static class JsonSchema
{
    private static readonly JsonWriterOptions s_options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Text(KeyTable table)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, s_options))
        {
            json.WriteStartObject();
            json.WriteString("$schema", "http://json-schema.org/draft-07/schema#");
            json.WriteString("title", "Configuration of nsbridge");
            WriteSection(json, table.Root);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void WriteSection(Utf8JsonWriter json, Key section)
    {
        json.WriteString("type", "object");
        json.WriteStartObject("properties");
        foreach (Key key in section.Below)
        {
            json.WriteStartObject(key.Name);
            json.WriteString("description", key.Help.Replace("`", "", StringComparison.Ordinal));
            WriteKey(json, key);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        WriteWords(json, "required", [.. section.Below.OfType<ValueKey>().Where(key => key.Missing is not null).Select(key => key.Name)]);
        json.WriteBoolean("additionalProperties", false);
    }

    private static void WriteKey(Utf8JsonWriter json, Key key)
    {
        switch (key.Kind)
        {
            case KeyKind.Section:
                WriteSection(json, key);
                break;
            case KeyKind.SectionList:
                json.WriteString("type", "array");
                json.WriteStartObject("items");
                WriteSection(json, key);
                json.WriteEndObject();
                break;
            case KeyKind.Value when key is ValueKey row:
                if (row.DefaultText is { } text)
                    WriteDefault(json, row.Json, text);
                WriteShape(json, row.Json);
                break;
            case KeyKind.ValueOrList when key is ValueKey row:
                json.WriteStartArray("oneOf");
                json.WriteStartObject();
                WriteShape(json, row.Json);
                json.WriteEndObject();
                json.WriteStartObject();
                json.WriteString("type", "array");
                json.WriteNumber("minItems", 1);
                json.WriteStartObject("items");
                WriteShape(json, row.Json);
                json.WriteEndObject();
                json.WriteEndObject();
                json.WriteEndArray();
                break;
        }
    }

    private static void WriteShape(Utf8JsonWriter json, JsonShape shape)
    {
        if (shape.Types.Length == 1)
            json.WriteString("type", shape.Types[0]);
        else
            WriteWords(json, "type", shape.Types);
        if (shape.Pattern is not null)
            json.WriteString("pattern", shape.Pattern);
        if (shape.Range is { } range)
        {
            json.WriteNumber("minimum", range.Least);
            json.WriteNumber("maximum", range.Most);
        }
        WriteWords(json, "enum", shape.Words);
        WriteWords(json, "examples", shape.Examples);
    }

    private static void WriteDefault(Utf8JsonWriter json, JsonShape shape, string text)
    {
        json.WritePropertyName("default");
        if (shape.Types[0] == "boolean")
            json.WriteBooleanValue(bool.Parse(text));
        else if (shape.Types[0] == "integer")
            json.WriteNumberValue(int.Parse(text, CultureInfo.InvariantCulture));
        else
            json.WriteStringValue(text);
    }

    private static void WriteWords(Utf8JsonWriter json, string name, IReadOnlyList<string> words)
    {
        if (words.Count == 0)
            return;
        json.WriteStartArray(name);
        foreach (string word in words)
            json.WriteStringValue(word);
        json.WriteEndArray();
    }
}
