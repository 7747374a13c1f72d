using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Text.Json;

namespace NsBridge.Namespaces.Containers;

/// <summary>Podman of one user: asked by its API socket if that is served, else read from its files, since Podman needs no
/// daemon.</summary>
internal sealed class PodmanEngine(string socket, string storage, string runtime) : IContainerEngine
{
    private readonly EngineApi _api = new("Podman", socket);
    private readonly PodmanFiles _files = new(storage, runtime);

    public string Description => _api.IsThere ? _api.Description : _files.Description;

    public bool IsThere => _api.IsThere || _files.IsThere;

    public async Task<ContainerFacts?> InspectAsync(string name, CancellationToken cancel)
    {
        if (!_api.IsThere)
            return await _files.InspectAsync(name, cancel);
        try
        {
            return await _api.InspectAsync(name, cancel);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException && _files.IsThere)
        {
            // A socket that is not served any more, or that is closed to this user.
            try
            {
                return await _files.InspectAsync(name, cancel);
            }
            catch (UnauthorizedAccessException)
            {
                // Podman's files belong to its user alone; its socket can be opened to others.
                ExceptionDispatchInfo.Throw(fault);
                throw;
            }
        }
    }
}

/// <summary>Podman's containers, read from its files: names and ids in <c>STORAGE/DRIVER-containers/containers.json</c>, the network in
/// <c>STORAGE/DRIVER-containers/ID/userdata/config.json</c>, the first process in <c>RUNTIME/DRIVER-containers/ID/userdata/pidfile</c>.
/// That file may stay when the container has stopped, so the caller verifies the process. The layout is that of Podman 4.3 and
/// later.</summary>
/// <param name="storage">Podman's graph root.</param>
/// <param name="runtime">Podman's run root.</param>
internal sealed class PodmanFiles(string storage, string runtime) : IContainerEngine
{
    private const string DriverFolders = "*-containers";

    /// <summary>The second lists containers that do not outlive a restart of the machine; newer Podmans have it.</summary>
    private static readonly string[] s_lists = ["containers.json", "volatile-containers.json"];

    public string Description { get; } = $"Podman in {storage}";

    public bool IsThere => IContainerEngine.MayExist(storage);

    public Task<ContainerFacts?> InspectAsync(string name, CancellationToken cancel)
    {
        try
        {
            return Task.FromResult(Inspect(name));
        }
        catch (UnauthorizedAccessException)
        {
            throw new UnauthorizedAccessException("this user may not read it (EACCES)");
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new IOException("its files are not understood", fault);
        }
    }

    private ContainerFacts? Inspect(string name)
    {
        (string Driver, string Id)[] known =
            [.. Directory.EnumerateDirectories(storage, DriverFolders).SelectMany(folder => Named(folder, name))];
        if (known.Length == 0)
            return null;
        if (known.Length > 1)
            throw new IOException($"several containers have ids that begin with {name}");
        (string driver, string id) = known[0];
        int process = FirstProcess(Path.Combine(runtime, driver, id, "userdata", "pidfile"));
        bool isHostNetwork = IsHostNetwork(Path.Combine(storage, driver, id, "userdata", "config.json"));
        return new ContainerFacts(id, process == 0 ? "stopped" : "running", process, isHostNetwork);
    }

    /// <summary>A name identifies one container and takes precedence over the beginning of an id.</summary>
    private static List<(string Driver, string Id)> Named(string folder, string name)
    {
        var byName = new List<(string, string)>();
        var byId = new List<(string, string)>();
        string driver = Path.GetFileName(folder);
        foreach (string list in s_lists)
        {
            if (ReadIfThere(Path.Combine(folder, list)) is not { } text)
                continue;
            using JsonDocument document = JsonDocument.Parse(text);
            foreach (JsonElement container in document.RootElement.EnumerateArray())
            {
                string id = container.GetProperty("id").GetString() ?? "";
                if (container.TryGetProperty("names", out JsonElement names) && names.ValueKind == JsonValueKind.Array
                    && names.EnumerateArray().Any(one => one.ValueEquals(name)))
                {
                    byName.Add((driver, id));
                }
                else if (id.StartsWith(name, StringComparison.Ordinal))
                {
                    byId.Add((driver, id));
                }
            }
        }
        return byName.Count > 0 ? byName : byId;
    }

    private static int FirstProcess(string file) =>
        int.TryParse(ReadIfThere(file), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int process) ? process : 0;

    /// <summary>Whether the container was made without a network namespace; one that never ran has no such file.</summary>
    private static bool IsHostNetwork(string file)
    {
        if (ReadIfThere(file) is not { } text)
            return false;
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.TryGetProperty("linux", out JsonElement linux)
            && !linux.GetProperty("namespaces").EnumerateArray().Any(one => one.GetProperty("type").ValueEquals("network"));
    }

    /// <summary>Opened without a look first: File.Exists reports a file as missing that this user may not see.</summary>
    private static byte[]? ReadIfThere(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
