using System.Globalization;
using System.Text.Json;

namespace NsBridge.Namespaces.Containers;

/// <summary>
/// Podman's containers by the files it keeps: names and ids in <c>STORAGE/DRIVER-containers/containers.json</c>, the network in
/// <c>STORAGE/DRIVER-containers/ID/userdata/config.json</c>, and the first process in <c>RUNTIME/DRIVER-containers/ID/userdata/pidfile</c>, which may stay
/// when the container has stopped: whether the process still is the container's is for the user of this to find out. Laid out so by Podman 4.3 and its successors.
/// </summary>
/// <param name="storage">Podman's graph root.</param>
/// <param name="runtime">Podman's run root.</param>
internal sealed class PodmanFiles(string storage, string runtime) : IContainerEngine
{
    private const string DriverFolders = "*-containers";

    /// <summary>The second one is of containers that are gone after a restart of the machine; newer Podmans have it.</summary>
    private static readonly string[] s_lists = ["containers.json", "volatile-containers.json"];

    public string Description { get; } = $"Podman in {storage}";

    public bool IsThere => EnginePath.MayBeThere(storage);

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
        (string Folder, string Id)[] known = [.. Directory.EnumerateDirectories(storage, DriverFolders).SelectMany(folder => Named(folder, name))];
        if (known.Length == 0)
            return null;
        if (known.Length > 1)
            throw new IOException($"several containers have ids that begin with {name}");
        (string driver, string id) = known[0];
        int process = FirstProcess(Path.Combine(runtime, driver, id, "userdata", "pidfile"));
        return new ContainerFacts(id, process == 0 ? "stopped" : "running", process, IsHostNetwork(Path.Combine(storage, driver, id, "userdata", "config.json")));
    }

    /// <summary>A name means one container and goes before ids that look alike.</summary>
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
                string id = container.GetProperty("id").GetString()!;
                if (container.TryGetProperty("names", out JsonElement names) && names.ValueKind == JsonValueKind.Array && names.EnumerateArray().Any(one => one.ValueEquals(name)))
                    byName.Add((driver, id));
                else if (id.StartsWith(name, StringComparison.Ordinal))
                    byId.Add((driver, id));
            }
        }
        return byName.Count > 0 ? byName : byId;
    }

    private static int FirstProcess(string file) =>
        int.TryParse(ReadIfThere(file), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int process) ? process : 0;

    /// <summary>Whether the container was made without a network namespace; what never ran has no such file yet.</summary>
    private static bool IsHostNetwork(string file)
    {
        if (ReadIfThere(file) is not { } text)
            return false;
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.TryGetProperty("linux", out JsonElement linux)
            && !linux.GetProperty("namespaces").EnumerateArray().Any(one => one.GetProperty("type").ValueEquals("network"));
    }

    /// <summary>Tried instead of looked for: what this user may not see would pass for missing, and its containers with it.</summary>
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
