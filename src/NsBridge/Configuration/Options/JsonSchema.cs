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
        if (key.Kind == KeyKind.Section)
            WriteSection(json, key);
        else if (key is ValueKey row)
            WriteValue(json, row);
        if (key.Kind is not (KeyKind.SectionList or KeyKind.ValueOrList))
            return;
        if (key.Kind == KeyKind.SectionList)
            json.WriteString("type", "array");
        else
            json.WriteNumber("minItems", 1);
        json.WriteStartObject("items");
        if (key is ValueKey entry)
            WriteShape(json, entry.Json, entry.Json.Types);
        else
            WriteSection(json, key);
        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, ValueKey row)
    {
        if (row.DefaultText is { } text)
        {
            json.WritePropertyName("default");
            if (row.Json.Types[0] == "boolean")
                json.WriteBooleanValue(bool.Parse(text));
            else if (row.Json.Types[0] == "integer")
                json.WriteNumberValue(int.Parse(text, CultureInfo.InvariantCulture));
            else
                json.WriteStringValue(text);
        }
        // The other keywords concern one value; a list is left to "items".
        WriteShape(json, row.Json, row.Kind == KeyKind.ValueOrList ? [.. row.Json.Types, "array"] : row.Json.Types);
    }

    private static void WriteShape(Utf8JsonWriter json, JsonShape shape, string[] types)
    {
        if (types.Length == 1)
            json.WriteString("type", types[0]);
        else
            WriteWords(json, "type", types);
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
