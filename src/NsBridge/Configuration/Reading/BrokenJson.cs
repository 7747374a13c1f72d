using System.Text.Json;
using NsBridge.Configuration.Options;

namespace NsBridge.Configuration.Reading;

/// <summary>Reads from a file that is no JSON as a whole what stands before the break.</summary>
internal static class BrokenJson
{
    /// <returns>The written <c>RuntimeDirectory</c>; null where the break comes first, or none is written.</returns>
    public static string? RuntimeDirectory(ReadOnlySpan<byte> bytes)
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
                else if (reader.TokenType == JsonTokenType.String && reader.CurrentDepth == 2 && Is(section, NsBridgeOptions.SectionName) && Is(key, nameof(NsBridgeOptions.RuntimeDirectory)))
                    return reader.GetString();
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Here it breaks.
        }

        return null;
    }

    private static bool Is(string? key, string name) => name.Equals(key, StringComparison.OrdinalIgnoreCase);
}
