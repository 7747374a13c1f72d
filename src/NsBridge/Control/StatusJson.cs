using System.Text.Json.Serialization;

namespace NsBridge.Control;

/// <summary>Reads and writes <see cref="StatusDocument"/>; generated at compile time, as the native executable needs it.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StatusDocument))]
internal sealed partial class StatusJson : JsonSerializerContext;
