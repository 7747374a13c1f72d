using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace NsBridge.Testing;

/// <summary>The <c>NsBridge</c> section of a configuration file; what is not set is not written.</summary>
public sealed record DaemonConfig(params IReadOnlyList<BridgeEntry> Bridges)
{
    private static readonly JsonSerializerOptions s_written = new()
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public string? RuntimeDirectory { get; init; }

    public TimeSpan? ShutdownTimeout { get; init; }

    public JsonNode? Metrics { get; init; }

    /// <summary>The whole file's text.</summary>
    public string ToJson() => new JsonObject { ["NsBridge"] = JsonSerializer.SerializeToNode(this, s_written) }.ToJsonString(s_written);
}
