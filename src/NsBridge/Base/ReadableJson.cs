using System.Text.Encodings.Web;
using System.Text.Json;

namespace NsBridge.Base;

/// <summary>JSON for people and programs, not inside of HTML: quotes in a finding stay readable.</summary>
internal static class ReadableJson
{
    public static JsonSerializerOptions Options() => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
