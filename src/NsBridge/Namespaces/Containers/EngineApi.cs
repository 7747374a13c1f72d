using System.Text.Json;

namespace NsBridge.Namespaces.Containers;

/// <summary>An engine that answers Docker's API on a UNIX socket: Docker itself, and Podman. Source: Docker Engine API, <c>ContainerInspect</c>.</summary>
internal sealed class EngineApi(string product, string socket) : IContainerEngine
{
    private const int NotFound = 404;
    private const int Ok = 200;

    public string Description { get; } = $"{product} at {socket}";

    public bool IsThere => EnginePath.MayBeThere(socket);

    public async Task<ContainerFacts?> InspectAsync(string name, CancellationToken cancel)
    {
        (int status, ReadOnlyMemory<byte> body) = await UnixHttp.GetAsync(socket, $"/containers/{name}/json", cancel);
        return status switch
        {
            Ok => Read(body),
            NotFound => null,
            _ => throw new IOException($"it answers with status {status}"),
        };
    }

    private static ContainerFacts Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            JsonElement container = document.RootElement;
            JsonElement state = container.GetProperty("State");
            return new ContainerFacts(
                container.GetProperty("Id").GetString()!,
                state.GetProperty("Status").GetString()!,
                state.GetProperty("Running").GetBoolean() ? state.GetProperty("Pid").GetInt32() : 0,
                container.GetProperty("HostConfig").GetProperty("NetworkMode").GetString() == "host");
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new IOException("its answer is not understood", fault);
        }
    }
}
